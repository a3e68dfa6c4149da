"""Changes between two objects: properties that are added, removed, renamed or required, and all others."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeAlias

from microagent.compat.changes import Change, Place, Verdicts
from microagent.compat.forms import Form
from microagent.compat.inclusion import Included
from microagent.compat.members import extra, is_silent, member
from microagent.schemas.words import Schema

LIKENESS = 0.6
"""The similarity from which on a removed and an added name with equal schemas are taken for a rename."""

_Ask: TypeAlias = Callable[[Schema, Schema], Verdicts]
_Compare: TypeAlias = Callable[[Schema, Schema, Place], Iterator[Change]]


@dataclass(frozen=True, slots=True)
class Objects:
    """
    Compares objects.

    :ivar ask: gives the verdicts about schemas of both sides
    :ivar are_same: whether two schemas are proved to accept the same values
    :ivar compare: compares the schemas of properties
    :ivar is_open: whether undeclared properties of the outermost object are accepted but not sent, as in signals
    """

    ask: _Ask
    are_same: Callable[[Schema, Schema], bool]
    compare: _Compare
    is_open: bool

    def changes(self, old: Form, new: Form, place: Place) -> Iterator[Change]:
        """All changes, including those inside properties."""
        gone = [name for name in old.names if name not in new.names]
        added = [name for name in new.names if name not in old.names]
        renamed = self._renamed(old, new, gone, added)
        for name in new.names:
            if name in old.names:
                yield from self._kept(old, new, name, place)
        for before, after in renamed.items():
            yield self._rename(self._removal(old, new, before, place), self._addition(old, new, after, place), after)
        for name in gone:
            if name not in renamed:
                yield self._removal(old, new, name, place)
        for name in added:
            if name not in renamed.values():
                yield self._addition(old, new, name, place)
        yield from self._others(old, new, place)

    def _kept(self, old: Form, new: Form, name: str, place: Place) -> Iterator[Change]:
        inside = place.member(name)
        if name in new.required and name not in old.required:
            yield Change("ARG_NO_REQUIRE", f"{inside.label} is required now", inside.steps, True, False, True)
        if name in old.required and name not in new.required:
            yield Change("ARG_NO_MAKE_OPTIONAL", f"{inside.label} is optional now", inside.steps, False, True, True)
        yield from self.compare(member(old, name), member(new, name), inside)

    def _addition(self, old: Form, new: Form, name: str, place: Place) -> Change:
        inside = place.member(name)
        is_other, is_refused = self._undeclared(old, (old, new), name)
        if name in new.required:
            return Change("ARG_NO_ADD_REQUIRED", f"new required {inside.label}", inside.steps, True, is_refused, True)
        why = "which was refused before" if is_refused else "which may have been sent before, with other values"
        return Change("ARG_NO_ADD_OPTIONAL", f"new {inside.label}, {why}", inside.steps, is_other, is_refused)

    def _removal(self, old: Form, new: Form, name: str, place: Place) -> Change:
        inside = place.member(name)
        is_refused, is_other = self._undeclared(new, (old, new), name)
        is_missed = name in old.required and name not in new.required
        flags = is_refused, is_missed or is_other
        return Change("ARG_NO_REMOVE", f"{inside.label} is removed", inside.steps, *flags, True, is_gone=True)

    def _undeclared(self, form: Form, both: tuple[Form, Form], name: str) -> tuple[bool, bool]:
        """Whether old values of a property that this form does not declare are refused now, new ones before."""
        if is_silent(form, name):
            return False, False
        verdicts = self.ask(member(both[0], name), member(both[1], name))
        return not isinstance(verdicts.back, Included), not isinstance(verdicts.forth, Included)

    def _rename(self, gone: Change, added: Change, name: str) -> Change:
        message = f"{gone.message.removesuffix(' is removed')} looks renamed to {json.dumps(name)}"
        flags = gone.backward or added.backward, gone.forward or added.forward
        return Change("ARG_NO_RENAME", message, added.steps, *flags, True)

    def _renamed(self, old: Form, new: Form, gone: list[str], added: list[str]) -> dict[str, str]:
        """Removed names with the added names that they were probably renamed to: similar ones with equal schemas."""
        found: dict[str, str] = {}
        for name in gone:
            alike = [other for other in added if other not in found.values() and likeness(name, other) >= LIKENESS]
            for other in sorted(alike, key=lambda other: -likeness(name, other)):
                is_as_required = (name in old.required) == (other in new.required)
                if is_as_required and self.are_same(member(old, name), member(new, other)):
                    found[name] = other
                    break
        return found

    def _others(self, old: Form, new: Form, place: Place) -> Iterator[Change]:
        """Changes of the schema of all other properties."""
        was, now = extra(old), extra(new)
        is_open = self.is_open and not place.steps
        if is_open and now is not False and not _takes_others(new):
            if _takes_others(old):
                message = f"{place.label} no longer accepts other arguments"
                yield Change("OBJECT_NO_CLOSE", message, place.steps, source=True)
        elif is_open and was is not False and not _takes_others(old):
            return
        elif was is False and now is not False:
            yield place.change("OBJECT_NO_OPEN", "now accepts other properties", self.ask(was, now), source=False)
        elif now is False and was is not False:
            is_declared = _takes_others(old) and (is_open or not old.names)
            verdicts = self.ask(was, now)
            yield place.change("OBJECT_NO_CLOSE", "no longer accepts other properties", verdicts, source=is_declared)
        else:
            yield from self.compare(was, now, place.others())


def _takes_others(form: Form) -> bool:
    """Whether it explicitly allows other properties."""
    return extra(form) is not False and bool(form.all_of("additionalProperties"))


def likeness(name: str, other: str) -> float:
    """The similarity of two names, from 0 to 1; it is 1 if one contains the other."""
    return 1.0 if name in other or other in name else SequenceMatcher(None, name, other).ratio()
