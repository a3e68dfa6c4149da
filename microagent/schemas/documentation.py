"""What the annotations of a schema say for people."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from microagent.schemas.shapes import Documentation
from microagent.schemas.words import ANNOTATIONS

_UNDOCUMENTED = Documentation()


def documentation_of(schemas: Iterable[Mapping[str, Any]]) -> Documentation:
    """The annotations of schemas that check the same value; the first schema that has an annotation decides it."""
    found: dict[str, Any] = {}
    for schema in schemas:
        if not ANNOTATIONS.isdisjoint(schema):
            found = {**schema, **found}
    if not found:
        return _UNDOCUMENTED
    examples = found.get("examples", [])
    return Documentation(
        _text(found.get("title")),
        _text(found.get("description")),
        found.get("deprecated") is True,
        found.get("readOnly") is True,
        found.get("writeOnly") is True,
        json.dumps(found["default"], ensure_ascii=False) if "default" in found else None,
        tuple(json.dumps(each, ensure_ascii=False) for each in cast("list[object]", examples))
        if isinstance(examples, list)
        else (),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
