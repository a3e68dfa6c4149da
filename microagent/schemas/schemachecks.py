"""What is wrong with a JSON Schema inside a declaration, references aside."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from microagent.jsontext import Complaint
from microagent.names import guess, shown
from microagent.schemas import jsonschemas
from microagent.schemas.drafts import Draft, draft, inner_schemas
from microagent.schemas.plainschema import is_plain, is_valid
from microagent.schemas.words import Schema, every_schema, rebuilt

_LIKENESS_OF_SLIPS = 0.85  # 'requird' and 'minLenght' are as like as that, 'tsType' is a word of somebody's own


def schema_complaints(schema: Schema, said: Draft) -> list[Complaint]:
    """
    All complaints about a schema, with steps from the schema on.

    :param said: the draft that it is written in, where it does not name one itself
    """
    if is_plain(schema):
        return []
    named = draft(schema["$schema"]) if _names_draft(schema) else said
    if named is not None and is_valid(schema, named.name, takes_lists=named.is_default or named.name != "2020-12"):
        return list(jsonschemas.pattern_complaints(schema))
    complaints: list[Complaint] = []
    for steps, part, of_part in _parts(schema, said):
        complaints += (found.below(*steps) for found in _part_complaints(part, of_part))
    return complaints


def _part_complaints(schema: Schema, said: Draft) -> list[Complaint]:
    if isinstance(schema, bool):
        return []
    if "$schema" in schema and draft(schema["$schema"]) is None:
        message = f"$schema names no known draft of JSON Schema: {shown(str(schema['$schema']))}"
        return [Complaint(message, ("$schema",))]
    return jsonschemas.schema_complaints(_in_words_of_2020(schema) if said.is_default else schema, said.name)


def _parts(schema: Schema, said: Draft) -> Iterator[tuple[tuple[str, ...], Schema, Draft]]:
    """The schema, and those inside it that name a draft of their own; each without those inside itself."""
    if isinstance(schema, bool):
        yield (), schema, said
        return
    said = draft(schema.get("$schema")) or said
    inside = [(old, inner) for old, _, inner in inner_schemas(schema, said)]
    nested = [(old, found) for old, inner in inside for found in _parts(inner, said) if found[0] or _names_draft(inner)]
    yield (), rebuilt(schema, _cut) if nested else schema, said
    yield from (((*old, *steps), part, of_part) for old, (steps, part, of_part) in nested)


def _names_draft(schema: Schema) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(schema, Mapping) and "$schema" in schema


def _cut(schema: Schema) -> Schema:
    """The schema without the parts that name a draft of their own."""
    if isinstance(schema, bool):
        return schema
    return {} if _names_draft(schema) else rebuilt(schema, _cut)


def _in_words_of_2020(schema: Schema) -> Schema:
    """The schema with draft 7's arrays of ``items`` under the name that 2020-12 knows them by."""
    if isinstance(schema, bool):
        return schema
    copy = rebuilt(schema, _in_words_of_2020)
    if isinstance(copy.get("items"), list):
        copy["prefixItems"] = copy.pop("items")
    return copy


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
