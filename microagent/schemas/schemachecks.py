"""Problems and probable mistakes of a JSON Schema, except for its references."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, TypeGuard, cast

from microagent.jsontext import Complaint, Steps
from microagent.names import guess, shown
from microagent.pointers import follow
from microagent.schemas.ambiguity import has_repeated_group, is_exponential
from microagent.schemas.drafts import KEYWORDS, Draft, draft_of, inner_schemas
from microagent.schemas.patterns import translated
from microagent.schemas.plainschema import is_plain, is_valid
from microagent.schemas.regexnodes import PatternError
from microagent.schemas.scopes import is_uri
from microagent.schemas.words import ANNOTATIONS, Schema, every_schema, meant_format, rebuilt, unlisted

MOST_SUSPICIOUS = 200  # patterns of a document that are examined; a hostile one may have very many
SHORT = 20  # characters of a text for which even exponential time is short
_KNOWN = KEYWORDS | ANNOTATIONS | {"example"}  # of OpenAPI
_LIKENESS_OF_SLIPS = 0.85  # high enough for 'requird' and 'minLenght', and not for an extension such as 'tsType'


def schema_complaints(schema: Schema, draft: Draft) -> list[Complaint]:
    """
    All complaints about a schema, with steps relative to it.

    :param draft: its draft, if it has no ``$schema``
    """
    if is_plain(schema):
        return []
    named = draft_of(schema["$schema"]) if _names_draft(schema) else draft
    if named is not None and is_valid(schema, named.name, takes_lists=named.is_default or named.name != "2020-12"):
        return list(_text_complaints(schema))
    complaints: list[Complaint] = []
    for steps, part, of_part in _parts(schema, draft):
        complaints += (found.below(*steps) for found in _part_complaints(part, of_part))
    return complaints


def _part_complaints(schema: Schema, draft: Draft) -> list[Complaint]:
    if isinstance(schema, bool):
        return []
    if "$schema" in schema and draft_of(schema["$schema"]) is None:
        message = f"$schema names no known draft of JSON Schema: {shown(str(schema['$schema']))}"
        return [Complaint(message, ("$schema",))]
    from microagent.schemas.jsonschemas import metaschema_complaints  # with jsonschema, which is slow to import

    found = metaschema_complaints(_in_words_of_2020(schema) if draft.is_default else schema, draft.name)
    return [_with_hint(_as_written(each, schema)) for each in found] or list(_text_complaints(schema))


def _as_written(complaint: Complaint, schema: Schema) -> Complaint:
    """A complaint about the translated schema, with the steps in the original one."""
    steps: list[str] = []
    for step in complaint.steps:
        is_renamed = step == "prefixItems" and step not in cast("Mapping[str, Any]", follow(schema, steps))
        steps.append("items" if is_renamed else step)
    return replace(complaint, steps=tuple(steps))


def _with_hint(complaint: Complaint) -> Complaint:
    """The complaint with advice if the schema was valid in an earlier draft."""
    hint = _HINTS.get(("".join(complaint.steps[-1:]), complaint.message))
    return replace(complaint, message=f"{complaint.message}; {hint}") if hint else complaint


_OF_DRAFT_4 = 'only draft 4 has a boolean here, and "$schema" would have to name it'
_HINTS = {
    (
        "required",
        "expected an array, got a boolean",
    ): "list the names of required properties in the object that has them",
    ("exclusiveMinimum", "expected a number, got a boolean"): _OF_DRAFT_4,
    ("exclusiveMaximum", "expected a number, got a boolean"): _OF_DRAFT_4,
}


def _text_complaints(schema: Schema) -> Iterator[Complaint]:
    """Complaints about patterns and identifiers of a schema that is valid otherwise."""
    for steps, found in every_schema(schema):
        if isinstance(found, bool):
            continue
        if not is_uri(identifier := found.get("$id", "")):
            yield Complaint(f"{shown(identifier)} is not a valid URI", (*steps, "$id"))
        for further, pattern in _patterns(found):
            try:
                translated(pattern)
            except PatternError as exc:
                yield Complaint(f"{shown(pattern)} {exc}", (*steps, *further))


def _patterns(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    if "pattern" in schema:
        yield ("pattern",), schema["pattern"]
    yield from ((("patternProperties", name), name) for name in schema.get("patternProperties", {}))


def _parts(schema: Schema, draft: Draft) -> Iterator[tuple[tuple[str, ...], Schema, Draft]]:
    """The schema and all schemas inside with a ``$schema`` of their own, each without the others."""
    if isinstance(schema, bool):
        yield (), schema, draft
        return
    draft = draft_of(schema.get("$schema")) or draft
    inside = [(old, inner) for old, _, inner in inner_schemas(schema, draft)]
    nested = [
        (old, found) for old, inner in inside for found in _parts(inner, draft) if found[0] or _names_draft(inner)
    ]
    yield (), rebuilt(schema, _cut) if nested else schema, draft
    yield from (((*old, *steps), part, of_part) for old, (steps, part, of_part) in nested)


def _names_draft(schema: Schema) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(schema, Mapping) and "$schema" in schema


def _cut(schema: Schema) -> Schema:
    """The schema without the parts that have a ``$schema`` of their own."""
    if isinstance(schema, bool):
        return schema
    return {} if _names_draft(schema) else rebuilt(schema, _cut)


def _in_words_of_2020(schema: Schema) -> Schema:
    """The schema with arrays in ``items``, as up to 2019-09, moved to ``prefixItems``."""
    if isinstance(schema, bool):
        return schema
    copy = rebuilt(schema, _in_words_of_2020)
    if isinstance(copy.get("items"), list):
        copy["prefixItems"] = copy.pop("items")
    return copy


def slow_patterns(schemas: Iterable[tuple[Steps, Schema]]) -> Iterator[Complaint]:
    """Warnings of patterns that can take exponentially long, unless ``maxLength`` keeps texts short."""
    suspicious = (found for place, schema in schemas for found in _suspicious_patterns(schema, place))
    for steps, pattern in islice(suspicious, MOST_SUSPICIOUS):
        if is_exponential(pattern):
            message = (
                f"{shown(pattern)} can take exponentially long for a text that does not match: "
                f"make it unambiguous, or add a maxLength of at most {SHORT}"
            )
            yield Complaint(message, steps)


def _suspicious_patterns(schema: Schema, place: Steps) -> Iterator[tuple[Steps, str]]:
    for steps, each in every_schema(schema, place):
        if not isinstance(each, bool) and each.get("maxLength", SHORT + 1) > SHORT:
            found = (((*steps, *further), pattern) for further, pattern in _patterns(each))
            yield from ((at, pattern) for at, pattern in found if has_repeated_group(pattern))


def misspelt_words(schema: Schema) -> Iterator[Complaint]:
    """
    Warnings of unknown keywords, formats and names that resemble known ones, with steps relative to the schema.

    Other unknown keywords are allowed by JSON Schema, as extensions.
    """
    if is_plain(schema):
        return
    for steps, each in every_schema(schema):
        if not isinstance(each, bool):
            found = (*_misspelt_keywords(each), *_misspelt_format(each), *_misspelt_names(each))
            yield from (complaint.below(*steps) for complaint in found)


def _misspelt_keywords(schema: Mapping[str, Any]) -> Iterator[Complaint]:
    for key in sorted(schema.keys() - _KNOWN):
        if not key.startswith("x-") and (meant := guess(key, _KNOWN, _LIKENESS_OF_SLIPS)):
            yield Complaint(f"unknown keyword {shown(key)}{meant}", (key,), of_key=True)


def _misspelt_format(schema: Mapping[str, Any]) -> Iterator[Complaint]:
    name = schema.get("format")
    if isinstance(name, str) and (meant := meant_format(name)) != name:
        yield Complaint(f"unknown format {shown(name)}, did you mean {meant!r}?", ("format",))


def _misspelt_names(schema: Mapping[str, Any]) -> Iterator[Complaint]:
    """Required names that are not in ``properties``, but resemble one that is."""
    for name in sorted(unlisted(schema)):
        others = schema["properties"].keys() - schema["required"]
        if meant := guess(name, others, _LIKENESS_OF_SLIPS):
            yield Complaint(f"{shown(name)} is required, but not described{meant}", ("required",))
