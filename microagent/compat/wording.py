"""Descriptions of schemas for messages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from microagent.compat.forms import KINDS, Form
from microagent.compat.members import is_integer
from microagent.schemas.jsonvalues import identity

LIMITS = frozenset(
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
        "format",
        "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains",
        "minProperties", "maxProperties", "propertyNames", "patternProperties", "dependentRequired",
        "not", "dependentSchemas",
    }
)  # fmt: skip
"""Keywords that refuse some values of a type."""

_FEW = 5
_LONGEST = 60


def kind_of(form: Form) -> str:
    """The type of its values in JSON Schema."""
    return "integer" if form.kind == "number" and is_integer(form) else form.kind


def type_of(found: Sequence[Form]) -> str:
    """The type as a phrase: ``an integer or null``."""
    if (values := listed(found)) is not None:
        return f"one of {spelt(values)}" if len(values) > 1 else spelt(values) or "nothing"
    kinds = list(dict.fromkeys(kind_of(form) for form in sorted(found, key=lambda form: form.kind == "null")))
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    named = [kind if kind == "null" else f"{'an' if kind[0] in 'aio' else 'a'} {kind}" for kind in kinds]
    return "anything" if len(kinds) == len(KINDS) else " or ".join(named) or "nothing"


def is_untyped(found: Sequence[Form]) -> bool:
    """Whether there are no constraints at all."""
    return len(found) == len(KINDS) and not any(form.flats or form.opaque for form in found)


def listed(found: Sequence[Form]) -> list[Any] | None:
    """The values of an enum; None if it is not one."""
    if not any(form.all_of("enum") or form.all_of("const") for form in found):
        return None
    lists = [form.values for form in found]
    return None if None in lists else [value for values in lists for value in values or ()]


def spelt(values: Sequence[Any]) -> str:
    """The first few values as JSON."""
    few = [_short(value) for value in values[:_FEW]]
    return ", ".join(few) + (", ..." if len(values) > len(few) else "")


def without(values: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """The values that are not among the others; 1 equals 1.0, but not true."""
    known = set(map(identity, others))
    return [value for value in values if identity(value) not in known]


def difference(old: Form, new: Form) -> str:
    """The limits that differ: ``maxLength 80 → 40, no pattern → "^a"``."""
    was, now = _limits(old), _limits(new)
    words = sorted(word for word in was.keys() | now.keys() if was.get(word) != now.get(word))
    return ", ".join(_step(word, was.get(word), now.get(word)) for word in words)


def _step(word: str, was: str | None, now: str | None) -> str:
    return f"{f'no {word}' if was is None else f'{word} {was}'} → {'none' if now is None else now}"


def _limits(form: Form) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for flat in (*form.flats, *(each for each in form.opaque if isinstance(each, Mapping))):
        for word in LIMITS & flat.keys():
            found.setdefault(word, []).append(_short(flat[word]))
    return {word: " and ".join(sorted(texts)) for word, texts in found.items()}


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
