"""What type annotations express of schemas, to tell whether code for one still type-checks with another."""

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
    The annotation of values, without that of their parts.

    :ivar kinds: for each kind, such as ``"string"``, the values of a Literal, or None for all; None instead of the
        mapping stands for ``Any``
    """

    kinds: Mapping[str, frozenset[tuple[type, object]] | None] | None

    def is_assignable_to(self, other: "Static") -> bool:
        """Whether a type checker accepts this type where the other one is expected; ``Any`` is compatible with all."""
        if self.kinds is None or other.kinds is None:
            return True
        return all(kind in other.kinds and _within(values, other.kinds[kind]) for kind, values in self.kinds.items())

    def is_written_for(self, other: "Static") -> bool:
        """Whether arguments written for this type still fit; for ``Any``, they may be anything."""
        return other.kinds is None or (self.kinds is not None and self.is_assignable_to(other))


def static(schema: Schema, scope: Scope) -> Static:
    """The annotation of the values of a schema."""
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
    if not (form.all_of("enum") or form.all_of("const")) or form.values is None:
        return [(kind, None) for kind in kinds]
    literals = frozenset((type(value), value) for value in form.values if isinstance(value, _LITERAL))
    return [(kind, literals if len(literals) == len(form.values) else None) for kind in kinds[:1]]


def _is_any(found: list[Form]) -> bool:
    return len(found) == 6 and not any(form.flats for form in found)  # noqa: PLR2004 - one of each kind


def _within(values: frozenset[tuple[type, object]] | None, others: frozenset[tuple[type, object]] | None) -> bool:
    return others is None or (values is not None and values <= others)
