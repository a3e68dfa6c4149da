"""The ledger of who checks which keyword: what msgspec does not claim is left to jsonschema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from microagent.schemas.conjunctions import Place
from microagent.schemas.references import resolve
from microagent.schemas.words import FORMATS, Schema, every_schema

Checker: TypeAlias = Literal["msgspec", "jsonschema"]

KEYWORDS = frozenset(
    {
        "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas",
        "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
        "maxLength", "minLength", "pattern", "items", "prefixItems", "contains", "minContains", "maxContains",
        "maxItems", "minItems", "uniqueItems", "unevaluatedItems", "properties", "patternProperties",
        "additionalProperties", "unevaluatedProperties", "propertyNames", "maxProperties", "minProperties",
        "required", "dependentRequired",
    }
)  # fmt: skip
"""The keywords of 2020-12 that can refuse a value."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """The keywords of a schema; ``left`` are those that nobody has claimed yet."""

    schema: Mapping[str, Any]
    place: Place
    left: dict[str, Any]

    def inner(self, *steps: str) -> Place:
        return self.place[0], (*self.place[1], *steps)


class Claims:
    """
    Records who checks which keyword.

    :param formats: whether ``format`` is checked
    """

    def __init__(self, *, formats: bool) -> None:
        self._formats = formats
        self._checked: dict[tuple[Place, str], Checker] = {}
        self._left_references: list[tuple[Place, str]] = []

    def keywords(self, schema: Mapping[str, Any], place: Place) -> Keywords:
        """The keywords of a schema that have to be checked."""
        return Keywords(schema, place, {word: value for word, value in schema.items() if self._counts(word, value)})

    def claim(self, keywords: Keywords, *words: str) -> None:
        """Record that msgspec checks these keywords completely."""
        for word in words:
            if word in keywords.left:
                del keywords.left[word]
                self._checked[keywords.place, word] = "msgspec"

    def keep(self, keywords: Keywords, word: str, rest: Any) -> None:
        """Record that msgspec checks a keyword except for ``rest``, its value for jsonschema; True is no rest."""
        self._checked[keywords.place, word] = "msgspec"
        if rest is True:
            del keywords.left[word]
        else:
            keywords.left[word] = rest

    def leave(self, schema: Schema, place: Place) -> None:
        """Record that jsonschema checks a whole schema."""
        in_file, above = place
        for steps, each in every_schema(schema, above):
            for word, value in () if isinstance(each, bool) else each.items():
                if self._counts(word, value):
                    self._checked[(in_file, steps), word] = "jsonschema"
                if word == "$ref" and isinstance(value, str):
                    self._left_references.append(((in_file, steps), value))

    def leave_rest(self, keywords: Keywords) -> None:
        """Record that jsonschema checks the keywords that are still left."""
        for word, value in keywords.left.items():
            if (keywords.place, word) not in self._checked:
                self.leave({word: value}, keywords.place)

    def everywhere(
        self, schema: Schema, definitions: Mapping[str, Any]
    ) -> Mapping[tuple[Place, str], tuple[Checker, ...]]:
        """Who checks which keyword, including the definitions that only jsonschema reaches."""
        found: dict[tuple[Place, str], tuple[Checker, ...]] = {at: (who,) for at, who in self._checked.items()}
        seen: set[Place] = set()
        while self._left_references:
            (in_file, _), reference = self._left_references.pop()
            target = resolve(reference, None if in_file else schema, definitions)
            if target is None or (place := (target.in_file, target.steps)) in seen:
                continue
            seen.add(place)
            self.leave(target.schema, place)
            for at, who in self._checked.items():
                found[at] = found.get(at, ()) if who in found.get(at, ()) else (*found.get(at, ()), who)
        return found

    def _counts(self, word: str, value: object) -> bool:
        if word == "format":
            return self._formats and value in FORMATS
        return word in KEYWORDS
