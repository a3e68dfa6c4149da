"""The drafts of JSON Schema, and the translation of each to 2020-12."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from microagent.schemas.words import LISTED, NAMED, SINGLE, Schema, is_annotation, is_schema

Steps: TypeAlias = tuple[str, ...]

SHARED = frozenset({"$defs", "definitions"})
"""Keywords for definitions; both are understood in every draft."""

_DRAFT_4 = SHARED | {
    "$ref", "$schema", "id", "type", "enum", "multipleOf", "maximum", "exclusiveMaximum", "minimum",
    "exclusiveMinimum", "maxLength", "minLength", "pattern", "items", "additionalItems", "maxItems", "minItems",
    "uniqueItems", "maxProperties", "minProperties", "required", "properties", "patternProperties",
    "additionalProperties", "dependencies", "allOf", "anyOf", "oneOf", "not", "format",
}  # fmt: skip
_DRAFT_6 = (_DRAFT_4 - {"id"}) | {"$id", "const", "contains", "propertyNames"}
_DRAFT_7 = _DRAFT_6 | {"if", "then", "else", "contentEncoding", "contentMediaType"}
_DRAFT_2019 = _DRAFT_7 | {
    "$anchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary", "dependentRequired", "dependentSchemas",
    "minContains", "maxContains", "unevaluatedItems", "unevaluatedProperties", "contentSchema",
}  # fmt: skip
_DRAFT_2020 = (_DRAFT_2019 - {"$recursiveRef", "$recursiveAnchor", "additionalItems"}) | {
    "$dynamicRef", "$dynamicAnchor", "prefixItems",
}  # fmt: skip
KEYWORDS = _DRAFT_4 | _DRAFT_2019 | _DRAFT_2020
"""All keywords of any draft, without annotations."""

_NAMING = frozenset(
    {"$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary", "nullable"}
)
REFERRING = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})


@dataclass(frozen=True, slots=True)
class Draft:
    """
    One draft of JSON Schema.

    :ivar identifier: the keyword that identifies a schema
    :ivar hides: whether ``$ref`` disables all keywords beside it
    :ivar anchors: whether an identifier may be an anchor, ``#name``
    :ivar is_default: whether it is the dialect for schemas without ``$schema``
    :ivar sealed: keywords that must not count as evaluation, see ``SEALED``
    """

    name: str
    keywords: frozenset[str]
    identifier: str = "$id"
    hides: bool = False
    anchors: bool = False
    is_default: bool = False
    sealed: frozenset[str] = frozenset()

    def seals(self, steps: Steps) -> bool:
        """Whether the schema there is rewritten such that no reference can lead to it."""
        return steps[0] in self.sealed

    def effective(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The keywords of a schema that have an effect in this draft, and those that no draft knows."""
        if self.hides and isinstance(schema.get("$ref"), str):
            return {key: value for key, value in schema.items() if key in _BESIDE_REF or is_annotation(key)}
        unknown = (KEYWORDS - self.keywords) & schema.keys()
        return {key: value for key, value in schema.items() if key not in unknown} if unknown else schema


_BESIDE_REF = SHARED | {"$ref", "$schema"}

DEFAULT = Draft("2020-12", _DRAFT_2020 | _DRAFT_2019, is_default=True)
"""The dialect without ``$schema``: 2020-12 with the keywords of draft 7 and ``nullable`` of OpenAPI."""

_DRAFTS = {
    "draft-04": Draft("draft 4", _DRAFT_4, "id", hides=True, anchors=True),
    "draft-06": Draft("draft 6", _DRAFT_6, hides=True, anchors=True),
    "draft-07": Draft("draft 7", _DRAFT_7, hides=True, anchors=True),
    "draft/2019-09": Draft("2019-09", _DRAFT_2019),
    "draft/2020-12": Draft("2020-12", _DRAFT_2020 | {"dependencies"}),
}


def draft_of(identifier: object) -> Draft | None:
    """The draft that a ``$schema`` names; None if it is unknown."""
    if not isinstance(identifier, str):
        return None
    name = identifier.removesuffix("#").removeprefix("https").removeprefix("http")
    if name == "://json-schema.org/schema":  # the newest draft
        return DEFAULT
    return _DRAFTS.get(name.removeprefix("://json-schema.org/").removesuffix("/schema"))


SEALING = _DRAFTS["draft/2019-09"]
"""2019-09, in which ``contains`` does not count as evaluation for ``unevaluatedItems``, unlike in 2020-12."""
SEALED = replace(SEALING, sealed=frozenset({"contains", "minContains", "maxContains"}))
"""2019-09 for documents with ``unevaluatedItems``, which has to be told what ``contains`` must not evaluate."""


def inner_schemas(schema: Mapping[str, Any], draft: Draft) -> Iterator[tuple[Steps, Steps, Schema]]:
    """
    The schemas directly inside one, which holds effective keywords only.

    Each comes with the steps to it, and with the steps to it after translation to 2020-12.
    """
    for key, value in schema.items():
        if key in NAMED and isinstance(value, Mapping):
            modern = _RENAMED.get(key, key)
            for name, inner in cast("Mapping[str, object]", value).items():
                if is_schema(inner):
                    yield (key, name), (modern, name), inner
        elif key in LISTED and isinstance(value, list):
            modern = "prefixItems" if key == "items" else key
            for index, inner in enumerate(cast("list[object]", value)):
                if is_schema(inner):
                    yield (key, str(index)), (modern, str(index)), inner
        elif key in SINGLE and is_schema(value):
            if key != "additionalItems":
                yield (key,), (key,), value
            elif isinstance(schema.get("items"), list) and "additionalItems" in draft.keywords:
                yield (key,), ("items",), value


_RENAMED = {"definitions": "$defs", "dependencies": "dependentSchemas"}


def step_into(schema: Schema, steps: Steps, draft: Draft) -> tuple[int, Steps, Schema] | None:
    """The schema directly inside on the way of ``steps``: how many lead to it, those after translation, and itself."""
    if isinstance(schema, bool):
        return None
    effective = draft.effective(schema)
    key, wanted = steps[0], steps[:2]
    value = effective.get(key)
    if key in NAMED and isinstance(value, Mapping):
        renamed = _RENAMED.get(key, key)
        if len(wanted) < 2 or (renamed != key and wanted[1] in effective.get(renamed, ())):  # noqa: PLR2004 - a pair
            return None
        part: Mapping[str, Any] = {key: {wanted[1]: cast("Mapping[str, object]", value).get(wanted[1])}}
    else:
        part = {word: effective[word] for word in {key, "items"} & effective.keys()}
    found = ((old, new, inner) for old, new, inner in inner_schemas(part, draft) if old == steps[: len(old)])
    return next(((len(old), new, inner) for old, new, inner in found if not draft.seals(old)), None)


def modern(schema: Mapping[str, Any], draft: Draft, changed: Mapping[Steps, Schema]) -> dict[str, Any]:
    """
    Translate one schema to 2020-12, without its references.

    :param schema: its effective keywords
    :param changed: the translated schemas directly inside, by the steps to them after translation
    """
    result = {
        key: value
        for key, value in schema.items()
        if key not in _NAMING and key not in REFERRING and key not in NAMED and not _holds_schemas(key, value)
    }
    _set_inner(result, schema, changed)
    _set_dependent_required(result, schema)
    _set_exclusive(result)
    if draft.is_default and schema.get("nullable") is True:
        _set_nullable(result)
    _set_sealed(result, draft.sealed)
    return result


def _holds_schemas(key: str, value: object) -> bool:
    if key in LISTED and isinstance(value, list):
        return True
    return key in SINGLE and (is_schema(value) or key == "additionalItems")


def _set_inner(result: dict[str, Any], schema: Mapping[str, Any], changed: Mapping[Steps, Schema]) -> None:
    for key in NAMED & schema.keys():  # an empty one is kept, too
        if key != "dependencies" and isinstance(schema[key], Mapping):
            result.setdefault(_RENAMED.get(key, key), {})
    for steps, inner in changed.items():
        match steps:
            case (key,):
                result[key] = inner
            case (key, _) if key in LISTED:
                result.setdefault(key, []).append(inner)
            case (key, name):
                result.setdefault(key, {})[name] = inner
            case _:
                raise AssertionError(steps)


def _set_dependent_required(result: dict[str, Any], schema: Mapping[str, Any]) -> None:
    dependencies = schema.get("dependencies")
    if isinstance(dependencies, Mapping):
        items = cast("Mapping[str, object]", dependencies).items()
        names = {name: cast("list[str]", value) for name, value in items if isinstance(value, list)}
        if names:
            result["dependentRequired"] = {**names, **result.get("dependentRequired", {})}


def _set_exclusive(result: dict[str, Any]) -> None:
    """In draft 4, ``exclusiveMinimum`` and ``exclusiveMaximum`` are booleans beside the limits."""
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(is_exclusive := result.get(exclusive), bool):
            del result[exclusive]
            if is_exclusive and limit in result:
                result[exclusive] = result.pop(limit)


def _set_nullable(result: dict[str, Any]) -> None:
    """``nullable`` of OpenAPI 3.0 adds null to ``type``, if there is one."""
    kinds = result.get("type", [])
    listed = [kinds] if isinstance(kinds, str) else list(kinds)
    if listed and "null" not in listed:
        result["type"] = [*listed, "null"]


def with_reference(result: dict[str, Any], reference: str) -> dict[str, Any]:
    """Add a reference to a schema, or to a new one in its ``allOf``; the schema that has it is returned."""
    if "$ref" not in result:
        result["$ref"] = reference
        return result
    holder = {"$ref": reference}
    result["allOf"] = [*result.get("allOf", []), holder]
    return holder


def _set_sealed(result: dict[str, Any], words: Iterable[str]) -> None:
    """Hide the evaluation of these keywords: annotations inside ``not`` are discarded."""
    hidden = {word: result.pop(word) for word in sorted(words) if word in result}
    if "contains" in hidden:
        result["allOf"] = [*result.get("allOf", []), {"not": {"not": hidden}}]
