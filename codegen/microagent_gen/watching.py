"""Which files a package is made of, for who watches them."""

from collections.abc import Iterable
from pathlib import Path

from microagent_gen.sources import is_url, json_files


def watched(sources: Iterable[str]) -> list[Path]:
    """The files that these sources are made of now; URLs are none."""
    places = [Path(source) for source in sources if not is_url(source)]
    return [file for place in places for file in (json_files(place) if place.is_dir() else [place])]
