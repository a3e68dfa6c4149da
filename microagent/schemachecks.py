"""What is wrong with a JSON Schema inside a declaration."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from microagent import jsonschemas
from microagent.jsontext import Complaint
from microagent.names import guess, shown
from microagent.plainschema import is_plain
from microagent.references import Target, resolve
from microagent.schema import Schema, every_schema, is_schema_at, schemas_in_place

_LIKENESS_OF_SLIPS = 0.85  # 'requird' and 'minLenght' are as like as that, 'tsType' is a word of somebody's own


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


def misspelt_keywords(schema: Schema) -> Iterator[Complaint]:
    """
    Keywords that mean nothing and look like some that do, with steps from the schema on.

    JSON Schema leaves other unknown ones to whoever understands them.
    """
    if is_plain(schema):
        return
    for steps, each in every_schema(schema):
        for key in () if isinstance(each, bool) else sorted(each.keys() - jsonschemas.KEYWORDS):
            if not key.startswith("x-") and (meant := guess(key, jsonschemas.KEYWORDS, _LIKENESS_OF_SLIPS)):
                yield Complaint(f"unknown keyword {shown(key)}{meant}", (*steps, key), of_key=True)


def _reference_complaints(schema: Schema, definitions: Mapping[str, Any], in_file: bool) -> Iterator[Complaint]:
    own = None if in_file else schema
    found = [(steps, each) for steps, each in every_schema(schema) if isinstance(each, Mapping)]
    anchors = {each["$anchor"] for _, each in found if "$anchor" in each}
    for steps, each in found:
        if steps and "$id" in each:
            yield Complaint("an embedded $id is not supported: references lead to places, #/...", (*steps, "$id"))
        reference = cast("str | None", each.get("$ref"))
        if reference is None or reference.removeprefix("#") in anchors:
            continue
        if (fault := _reference_fault(reference, own, definitions)) is not None:
            yield Complaint(f"$ref {shown(reference)} {fault}", (*steps, "$ref"))


def _reference_fault(reference: str, own: Schema | None, definitions: Mapping[str, Any]) -> str | None:
    if not reference.startswith("#"):
        return "is another document: only what this file holds can be referred to"
    target = resolve(reference, own, definitions)
    if target is None:
        return f"leads nowhere{guess(reference, [f'#/$defs/{name}' for name in definitions])}"
    if not _is_place_of_schema(target, own, definitions):
        return "leads to what is no schema"
    return "leads in a circle" if _is_circle(target, own, definitions) else None


def _is_place_of_schema(target: Target, own: Schema | None, definitions: Mapping[str, Any]) -> bool:
    if target.in_file:
        return is_schema_at(definitions[target.steps[1]], target.steps[2:])
    return own is not None and is_schema_at(own, target.steps)


def _is_circle(start: Target, own: Schema | None, definitions: Mapping[str, Any]) -> bool:
    """Whether a value would have to be checked by this schema again and again, without ever going into the value."""
    seen: set[tuple[bool, tuple[str, ...]]] = set()
    waiting = [start]
    while waiting:
        for found in _in_place(waiting.pop(), own, definitions):
            place = (found.in_file, found.steps)
            if place == (start.in_file, start.steps):
                return True
            if place not in seen:
                seen.add(place)
                waiting.append(found)
    return False


def _in_place(target: Target, own: Schema | None, definitions: Mapping[str, Any]) -> Iterator[Target]:
    """The schemas that check the same value as this one."""
    for further, inner in schemas_in_place(target.schema):
        yield Target(inner, target.in_file, (*target.steps, *further))
    reference = None if isinstance(target.schema, bool) else target.schema.get("$ref")
    found = resolve(reference, None if target.in_file else own, definitions) if isinstance(reference, str) else None
    if found is not None:
        yield found
