"""What is wrong with a JSON Schema inside a declaration."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from microagent import jsonschemas
from microagent.jsontext import Complaint
from microagent.names import guess, shown
from microagent.plainschema import is_plain
from microagent.references import resolve
from microagent.schema import Schema, every_schema


def schema_complaints(schema: Schema, definitions: Mapping[str, Any], *, in_file: bool = False) -> list[Complaint]:
    """
    All complaints about a schema, with steps from the schema on.

    :param definitions: the ``$defs`` of its file
    :param in_file: the schema is one of these definitions
    """
    dialect = None if isinstance(schema, bool) else schema.get("$schema")
    if dialect is not None and not (isinstance(dialect, str) and jsonschemas.is_known_dialect(dialect)):
        return [Complaint(f"$schema names no known draft of JSON Schema: {shown(str(dialect))}", ("$schema",))]
    own = [] if is_plain(schema) else jsonschemas.schema_complaints(schema)
    return own or list(_reference_complaints(schema, definitions, in_file))


def _reference_complaints(schema: Schema, definitions: Mapping[str, Any], in_file: bool) -> Iterator[Complaint]:
    own = None if in_file else schema
    anchors = {
        found["$anchor"] for _, found in every_schema(schema) if isinstance(found, Mapping) and "$anchor" in found
    }
    for steps, found in every_schema(schema):
        if isinstance(found, bool):
            continue
        if steps and "$id" in found:
            yield Complaint("an embedded $id is not supported: references lead to places, #/...", (*steps, "$id"))
        reference = cast("str | None", found.get("$ref"))
        if reference is None or reference.removeprefix("#") in anchors:
            continue
        if (fault := _reference_fault(reference, own, definitions)) is not None:
            yield Complaint(f"$ref {shown(reference)} {fault}", (*steps, "$ref"))


def _reference_fault(reference: str, own: Schema | None, definitions: Mapping[str, Any]) -> str | None:
    if not reference.startswith("#"):
        return "is another document: only what this file holds can be referred to"
    seen: set[tuple[bool, tuple[str, ...]]] = set()
    while (target := resolve(reference, own, definitions)) is not None:
        if (target.in_file, target.steps) in seen:
            return "leads in a circle"
        seen.add((target.in_file, target.steps))
        if isinstance(target.schema, bool) or "$ref" not in target.schema:
            return None
        reference, own = str(target.schema["$ref"]), None if target.in_file else own
    known = [f"#/$defs/{name}" for name in definitions]
    return f"leads nowhere{guess(reference, known)}" if not seen else None
