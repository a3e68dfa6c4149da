"""Whether code that was written for one schema still type-checks with another: what types see of schemas."""

from collections.abc import Mapping
from dataclasses import dataclass

from microagent.compat.forms import Form, forms
from microagent.compat.members import is_integer
from microagent.compat.scopes import Scope, Undecidable
from microagent.schemas.words import Schema

_LITERAL = (str, int, bool, type(None))


@dataclass(frozen=True, slots=True)
class Static:
    """
    What an annotation says of values, their parts aside.

    ``kinds`` maps ``"string"`` and its like to the values of a Literal, or to None for all; None: ``Any``.
    """

    kinds: Mapping[str, frozenset[tuple[type, object]] | None] | None

    def is_assignable_to(self, other: "Static") -> bool:
        """Whether a checker lets it pass; ``Any`` passes everywhere, and where it is expected everything does."""
        if self.kinds is None or other.kinds is None:
            return True
        return all(kind in other.kinds and _within(values, other.kinds[kind]) for kind, values in self.kinds.items())

    def is_written_for(self, other: "Static") -> bool:
        """Whether what people wrote for this still fits; what they wrote for ``Any`` may be anything."""
        return other.kinds is None or (self.kinds is not None and self.is_assignable_to(other))


def static(schema: Schema, scope: Scope) -> Static:
    """What an annotation says of the values of a schema."""
    try:
        found = forms(schema, scope)
    except Undecidable:
        return Static(None)
    kinds: dict[str, frozenset[tuple[type, object]] | None] = {}
    for form in found:
        for kind, values in _kinds(form):
            known = kinds.get(kind, frozenset())
            kinds[kind] = None if values is None or known is None else known | values
    return Static(None if _is_any(found) else kinds)


def _kinds(form: Form) -> list[tuple[str, frozenset[tuple[type, object]] | None]]:
    kinds = ["integer"] if form.kind == "number" and is_integer(form) else [form.kind]
    if kinds == ["number"]:
        kinds = ["integer", "number"]
    if not (form.said("enum") or form.said("const")) or form.values is None:
        return [(kind, None) for kind in kinds]
    literals = frozenset((type(value), value) for value in form.values if isinstance(value, _LITERAL))
    return [(kind, literals if len(literals) == len(form.values) else None) for kind in kinds[:1]]


def _is_any(found: list[Form]) -> bool:
    return len(found) == 6 and not any(form.flats for form in found)  # noqa: PLR2004 - of every kind


def _within(values: frozenset[tuple[type, object]] | None, others: frozenset[tuple[type, object]] | None) -> bool:
    return others is None or (values is not None and values <= others)
