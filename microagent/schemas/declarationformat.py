"""The JSON Schema of the declaration format, and the problems that it finds in documents."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from microagent.jsontext import Complaint
from microagent.schemas.plainformat import is_plain

_LEFT_ASIDE = frozenset({"pattern", "not", "const"})
"""Keywords that check names and the version, for which ``sources.contents`` has better messages."""


def format_text() -> str:
    """The JSON Schema of the declaration format."""
    return files("microagent").joinpath("format.schema.json").read_text("utf-8")


def known_keys(kind: str) -> frozenset[str]:
    """The keys of a ``signal``, of a ``queue``, or of a document (``""``)."""
    schema = _format()
    return frozenset((schema["$defs"][kind] if kind else schema)["properties"])


def format_complaints(document: object) -> list[Complaint]:
    """Complaints about the structure of a document, but not about names and version."""
    if is_plain(document):
        return []
    from microagent.schemas.jsonschemas import complaints  # with jsonschema, which is slow to import

    return [*map(_with_hint, complaints(document, _format(), "2020-12", but=_LEFT_ASIDE))]


def _with_hint(complaint: Complaint) -> Complaint:
    """The complaint with advice if a schema is used as the type of an argument."""
    if complaint.steps[2:3] != ("providing_args",) or not complaint.message.endswith(", got an object"):
        return complaint
    return replace(complaint, message=f"{complaint.message}; for JSON Schemas, use 'payload' with 'properties'")


@cache
def _format() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(format_text())
    return found
