"""The public JSON-Schema-Test-Suite, as the source distribution of jsonschema carries it."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from servers.programs import CACHE, unavailable

PACKAGE = "jsonschema==4.26.0"
DRAFTS = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}
HOST = "http://localhost:1234/"
"""Where the suite wants its other documents to be."""


class Group(NamedTuple):
    """A schema, and what of some values is said about it."""

    description: str
    schema: Any
    tests: list[dict[str, Any]]


@cache
def suite() -> Path:
    """The folder of the suite, fetched once; without it the test is skipped, or fails under ``CI=true``."""
    folder = CACHE / f"json-schema-test-suite-of-{PACKAGE}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=CACHE) as aside:
            _fetch(Path(aside))
            with suppress(OSError):  # somebody else was faster
                (Path(aside) / "unpacked").rename(folder)
    return next(folder.glob("*/json"))


def _fetch(folder: Path) -> None:
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:")
    done = subprocess.run((*pip, "--dest", folder, PACKAGE), capture_output=True, check=False)
    if done.returncode != 0:
        unavailable("the JSON-Schema-Test-Suite could not be fetched: pip reaches no package index")
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "unpacked", filter="data")


def groups(draft: str, file: str) -> list[Group]:
    """What a file of the suite says; without ``$schema``, a schema is one of the draft."""
    read = json.loads((suite() / "tests" / draft / f"{file}.json").read_text("utf-8"))
    return [Group(each["description"], _named(each["schema"], draft), each["tests"]) for each in read]


def files(draft: str) -> list[str]:
    """The files of a draft, the optional ones too; formats aside."""
    folder = suite() / "tests" / draft
    return sorted(str(path.relative_to(folder).with_suffix("")) for path in _json_files(folder))


def format_files(draft: str) -> list[str]:
    """The files of a draft that say what has a format, by the format."""
    return sorted(f"optional/format/{path.stem}" for path in (suite() / "tests" / draft / "optional/format").glob("*"))


def copy_documents(folder: Path) -> None:
    """Put the other documents into a folder, their references to each other relative."""
    for path in (suite() / "remotes").rglob("*.json"):
        place = path.relative_to(suite() / "remotes")
        text = path.read_text("utf-8").replace(HOST, "../" * (len(place.parts) - 1))
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(json.dumps(_named(json.loads(text), place.parts[0])), "utf-8")


def _json_files(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.json")
    yield from (folder / "optional").glob("*.json")


def _named(schema: Any, draft: str) -> Any:
    if isinstance(schema, dict) and draft in DRAFTS:
        return {"$schema": DRAFTS[draft], **schema}
    return schema
