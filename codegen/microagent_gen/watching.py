"""Which files a package is made of, for who watches them."""

from collections.abc import Iterable
from pathlib import Path

from microagent_gen.sources import is_url, json_files


def watched(sources: Iterable[str]) -> list[Path]:
    """The files that these sources are made of now; URLs are none."""
    return [file for source in sources if not is_url(source) for file in _files(Path(source))]


def _files(place: Path) -> list[Path]:
    try:
        return json_files(place)
    except OSError:  # a file, or a folder that nobody may look into
        return [place]
