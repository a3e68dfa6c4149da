"""The published JSON Schema of files that declare something, and what it says is wrong with one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from microagent.jsontext import Complaint
from microagent.schemas.plainformat import is_plain

_LEFT_ASIDE = frozenset({"pattern", "not", "const"})
"""What of it names and the version are held to; whoever knows these says it better."""


def format_text() -> str:
    """The JSON Schema of the declaration format."""
    return files("microagent").joinpath("format.schema.json").read_text("utf-8")


def known_keys(kind: str) -> frozenset[str]:
    """The keys of a ``signal``, of a ``queue``, or of a document (``""``)."""
    schema = _format()
    return frozenset((schema["$defs"][kind] if kind else schema)["properties"])


def format_complaints(document: object) -> list[Complaint]:
    """What is wrong with the form of a document, its names and its version aside."""
    if is_plain(document):
        return []
    from microagent.schemas.jsonschemas import complaints  # with jsonschema, which is slow to import

    return [*map(_with_hint, complaints(document, _format(), "2020-12", but=_LEFT_ASIDE))]


def _with_hint(complaint: Complaint) -> Complaint:
    """Who writes a schema for an argument is told where schemas stand."""
    if complaint.steps[2:3] != ("providing_args",) or not complaint.message.endswith(", got an object"):
        return complaint
    return replace(complaint, message=f"{complaint.message}; JSON Schemas stand in 'payload', below 'properties'")


@cache
def _format() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(format_text())
    return found
