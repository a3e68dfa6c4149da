"""The drafts of JSON Schema, and how each of them says what 2020-12 says."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from microagent.schemas.words import LISTED, NAMED, SINGLE, Schema, is_annotation, is_schema

Steps: TypeAlias = tuple[str, ...]

SHARED = frozenset({"$defs", "definitions"})
"""Words under which schemas wait to be referred to; they are understood in every draft."""

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
"""All that some draft understands and that is more than an annotation."""

_NAMING = frozenset(
    {"$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary", "nullable"}
)
REFERRING = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})


@dataclass(frozen=True, slots=True)
class Draft:
    """
    What one draft understands.

    :ivar identifier: the keyword that names a schema
    :ivar hides: whether nothing counts beside a ``$ref``
    :ivar anchors: whether an identifier may be an anchor, ``#name``
    :ivar is_default: whether it is what is read where no draft is named
    :ivar sealed: keywords whose findings nobody else may see
    """

    name: str
    keywords: frozenset[str]
    identifier: str = "$id"
    hides: bool = False
    anchors: bool = False
    is_default: bool = False
    sealed: frozenset[str] = frozenset()

    def seals(self, steps: Steps) -> bool:
        """Whether what is inside is written so that no reference can lead to its place."""
        return steps[0] in self.sealed

    def living(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What of a schema means something in this draft, or to somebody else."""
        if self.hides and isinstance(schema.get("$ref"), str):
            return {key: value for key, value in schema.items() if key in _BESIDE_REF or is_annotation(key)}
        unknown = (KEYWORDS - self.keywords) & schema.keys()
        return {key: value for key, value in schema.items() if key not in unknown} if unknown else schema


_BESIDE_REF = SHARED | {"$ref", "$schema"}

DEFAULT = Draft("2020-12", _DRAFT_2020 | _DRAFT_2019, is_default=True)
"""2020-12 in which draft 7's words, and ``nullable`` of OpenAPI, are understood."""

_DRAFTS = {
    "draft-04": Draft("draft 4", _DRAFT_4, "id", hides=True, anchors=True),
    "draft-06": Draft("draft 6", _DRAFT_6, hides=True, anchors=True),
    "draft-07": Draft("draft 7", _DRAFT_7, hides=True, anchors=True),
    "draft/2019-09": Draft("2019-09", _DRAFT_2019),
    "draft/2020-12": Draft("2020-12", _DRAFT_2020 | {"dependencies"}),
}


def draft(identifier: object) -> Draft | None:
    """The draft that a ``$schema`` names, or None when it names none that is known."""
    if not isinstance(identifier, str):
        return None
    name = identifier.removesuffix("#").removeprefix("https").removeprefix("http")
    if name == "://json-schema.org/schema":  # the newest one, whichever that was
        return DEFAULT
    return _DRAFTS.get(name.removeprefix("://json-schema.org/").removesuffix("/schema"))


SEALING = _DRAFTS["draft/2019-09"]
"""In it, ``contains`` does not count as evaluation of the items that it finds."""
SEALED = replace(SEALING, sealed=frozenset({"contains", "minContains", "maxContains"}))


def inner_schemas(schema: Mapping[str, Any], said: Draft) -> Iterator[tuple[Steps, Steps, Schema]]:
    """
    The schemas directly inside what lives of one.

    Each with the steps that lead to it, and with those that will when it is in the words of 2020-12.
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
            elif isinstance(schema.get("items"), list) and "additionalItems" in said.keywords:
                yield (key,), ("items",), value


_RENAMED = {"definitions": "$defs", "dependencies": "dependentSchemas"}


def step_into(schema: Schema, steps: Steps, said: Draft) -> tuple[int, Steps, Schema] | None:
    """The schema directly inside that steps begin to lead to: how many of them, and the modern ones; or None."""
    if isinstance(schema, bool):
        return None
    living = said.living(schema)
    key, wanted = steps[0], steps[:2]
    value = living.get(key)
    if key in NAMED and isinstance(value, Mapping):
        renamed = _RENAMED.get(key, key)
        if len(wanted) < 2 or (renamed != key and wanted[1] in living.get(renamed, ())):  # noqa: PLR2004 - a pair
            return None
        part: Mapping[str, Any] = {key: {wanted[1]: cast("Mapping[str, object]", value).get(wanted[1])}}
    else:
        part = {word: living[word] for word in {key, "items"} & living.keys()}
    found = ((old, new, inner) for old, new, inner in inner_schemas(part, said) if old == steps[: len(old)])
    return next(((len(old), new, inner) for old, new, inner in found if not said.seals(old)), None)


def modern(schema: Mapping[str, Any], said: Draft, changed: Mapping[Steps, Schema]) -> dict[str, Any]:
    """
    One schema in the words of 2020-12, without its references.

    :param schema: what lives of it in its draft
    :param changed: the schemas directly inside, by the steps that now lead to them
    """
    result = {
        key: value
        for key, value in schema.items()
        if key not in _NAMING and key not in REFERRING and key not in NAMED and not _holds_schemas(key, value)
    }
    _set_inner(result, schema, changed)
    _set_dependent_required(result, schema)
    _set_exclusive(result)
    if said.is_default and schema.get("nullable") is True:
        _set_nullable(result)
    _set_sealed(result, said.sealed)
    return result


def _holds_schemas(key: str, value: object) -> bool:
    if key in LISTED and isinstance(value, list):
        return True
    return key in SINGLE and (is_schema(value) or key == "additionalItems")


def _set_inner(result: dict[str, Any], schema: Mapping[str, Any], changed: Mapping[Steps, Schema]) -> None:
    for key in NAMED & schema.keys():  # an empty one says little, and yet it was there
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
    """Draft 4 says of a limit whether it is exclusive."""
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(said := result.get(exclusive), bool):
            del result[exclusive]
            if said and limit in result:
                result[exclusive] = result.pop(limit)


def _set_nullable(result: dict[str, Any]) -> None:
    """OpenAPI 3.0: null is one more type, where there is a type."""
    kinds = result.get("type", [])
    listed = [kinds] if isinstance(kinds, str) else list(kinds)
    if listed and "null" not in listed:
        result["type"] = [*listed, "null"]


def with_reference(result: dict[str, Any], reference: str) -> dict[str, Any]:
    """Add a reference to a schema; what is returned is the schema that has it, the same or one inside."""
    if "$ref" not in result:
        result["$ref"] = reference
        return result
    holder = {"$ref": reference}
    result["allOf"] = [*result.get("allOf", []), holder]
    return holder


def _set_sealed(result: dict[str, Any], words: Iterable[str]) -> None:
    """What ``not`` has seen, nobody else sees."""
    hidden = {word: result.pop(word) for word in sorted(words) if word in result}
    if "contains" in hidden:
        result["allOf"] = [*result.get("allOf", []), {"not": {"not": hidden}}]
