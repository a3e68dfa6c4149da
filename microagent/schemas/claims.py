"""Who checks which word of which schema: what msgspec checks is crossed off, and all else is for jsonschema."""

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
"""The words of 2020-12 that refuse something; all others only tell people something, or nothing."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a schema; ``left`` shrinks to what msgspec does not check."""

    schema: Mapping[str, Any]
    place: Place
    left: dict[str, Any]

    def inner(self, *steps: str) -> Place:
        return self.place[0], (*self.place[1], *steps)


class Claims:
    """
    What has been claimed, and what was left.

    :param formats: ``format`` is to be checked, too
    """

    def __init__(self, *, formats: bool) -> None:
        self._formats = formats
        self._checked: dict[tuple[Place, str], Checker] = {}
        self._left_references: list[tuple[Place, str]] = []

    def said(self, schema: Mapping[str, Any], place: Place) -> Said:
        """The words of a schema that somebody has to check."""
        return Said(schema, place, {word: value for word, value in schema.items() if self._counts(word, value)})

    def claim(self, said: Said, *words: str) -> None:
        """Msgspec checks these words."""
        for word in words:
            if word in said.left:
                del said.left[word]
                self._checked[said.place, word] = "msgspec"

    def keep(self, said: Said, word: str, rest: Any) -> None:
        """Msgspec checks a word, but for a rest inside; True is no rest."""
        self._checked[said.place, word] = "msgspec"
        if rest is True:
            del said.left[word]
        else:
            said.left[word] = rest

    def leave(self, schema: Schema, place: Place) -> None:
        """Jsonschema checks all of a schema."""
        in_file, above = place
        for steps, each in every_schema(schema, above):
            for word, value in () if isinstance(each, bool) else each.items():
                if self._counts(word, value):
                    self._checked[(in_file, steps), word] = "jsonschema"
                if word == "$ref" and isinstance(value, str):
                    self._left_references.append(((in_file, steps), value))

    def leave_rest(self, said: Said) -> None:
        """Jsonschema checks what nobody has claimed."""
        for word, value in said.left.items():
            if (said.place, word) not in self._checked:
                self.leave({word: value}, said.place)

    def everywhere(
        self, schema: Schema, definitions: Mapping[str, Any]
    ) -> Mapping[tuple[Place, str], tuple[Checker, ...]]:
        """Who checks what, definitions that only jsonschema comes to included."""
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
