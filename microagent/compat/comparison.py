"""The comparison of two schemas: every change, at the innermost place that explains it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from microagent.compat.changes import Change, Place, Verdicts
from microagent.compat.finders import Finder
from microagent.compat.forms import Form, forms
from microagent.compat.inclusion import Included, Inclusion
from microagent.compat.members import item, longest_prefix
from microagent.compat.objects import Objects
from microagent.compat.reserved import with_readded
from microagent.compat.scopes import Scope, Undecidable, together
from microagent.compat.statics import static
from microagent.compat.wording import LIMITS, difference, is_untyped, kind_of, listed, spelt, type_of, without
from microagent.schemas.words import Schema

_PAIR = 2
_OF_TYPES = ("ARG_NO_NARROW", "ARG_NO_WIDEN", "ARG_SAME_TYPE")
_MANY = 500
"""Visits after which a pair of schemas that was compared at another place is not compared again."""


class Comparison:
    """
    Compares two schemas.

    :param root: the name of the whole in messages: ``payload``, ``message`` or ``answer``
    :param whole: the verdicts on the whole, if not all values that fit the schemas are sent: a signal is sent without
        undeclared arguments, though they would be accepted
    """

    def __init__(self, old: Scope, new: Scope, finder: Finder, root: str, *, whole: Verdicts | None = None) -> None:
        self._old = old
        self._new = new
        self._root = Place(root)
        self._back = Inclusion(old, new, good_faith=True, finder=finder)
        self._forth = Inclusion(new, old, good_faith=True, finder=finder)
        self._visits = 0
        self._visited: set[tuple[str, str]] = set()
        self._whole_verdicts = whole or self._verdicts(old.schema, new.schema)
        self._objects = Objects(self._verdicts, self._are_same, self._schemas, is_open=whole is not None)

    def changes(self, reserved: Iterable[str] = ()) -> list[Change]:
        """
        All changes that break something, in the order of the new schema.

        :param reserved: the paths of properties that must not be used again, with dots between names
        """
        found = _once(self._schemas(self._old.schema, self._new.schema, self._root))
        whole = self._whole_verdicts
        changes = [
            replace(
                change,
                backward=change.backward and not isinstance(whole.back, Included),
                forward=change.forward and not isinstance(whole.forth, Included),
            )
            for change in found
        ]
        changes += self._unexplained(changes, whole)
        return with_readded([change for change in changes if change.has_effect], self._old, self._new, reserved)

    def _unexplained(self, changes: list[Change], whole: Verdicts) -> Iterator[Change]:
        """A change of the whole, if no change inside it explains why values are refused."""
        back = Included() if any(change.backward for change in changes) else whole.back
        forth = Included() if any(change.forward for change in changes) else whole.forth
        verdicts = Verdicts(back, forth)
        rule = verdicts.rule(*_OF_TYPES)
        if rule is not None:
            yield self._root.change(rule, _DOES[verdicts.refuted], verdicts, source=False)
        yield from self._root.undecided(verdicts)

    def _verdicts(self, old: Schema, new: Schema) -> Verdicts:
        return Verdicts(self._back.verdict(old, new), self._forth.verdict(new, old))

    def _are_same(self, old: Schema, new: Schema) -> bool:
        return self._back.is_proved(old, new) and self._forth.is_proved(new, old)

    def _source(self, old: Schema, new: Schema) -> bool:
        """Whether code for the old schema may no longer type-check, as a sender or as a receiver."""
        was, now = static(old, self._old), static(new, self._new)
        return not (was.is_written_for(now) and now.is_assignable_to(was))

    # -- schemas

    def _schemas(self, old: Schema, new: Schema, place: Place) -> Iterator[Change]:
        pair = self._old.text(old), self._new.text(new)
        if pair[0] == pair[1] or pair in place.above or (self._visits >= _MANY and pair in self._visited):
            return
        self._visits += 1
        self._visited.add(pair)
        place = replace(place, above=(*place.above, pair))
        try:
            was, now = forms(old, self._old), forms(new, self._new)
        except Undecidable:
            yield from self._whole(old, new, place)
            return
        if is_untyped(was) or is_untyped(now):
            compare = self._untyped
        elif listed(was) is not None or listed(now) is not None:
            compare = self._enums
        else:
            compare = self._types
        yield from compare(_Both(was, now, lambda: self._verdicts(old, new), self._source(old, new)), place)

    def _whole(self, old: Schema, new: Schema, place: Place) -> Iterator[Change]:
        """The change of a place that cannot be examined further."""
        verdicts = self._verdicts(old, new)
        if (rule := verdicts.rule(*_OF_TYPES)) is not None:
            yield place.change(rule, _DOES[verdicts.refuted], verdicts, source=self._source(old, new))
        yield from place.undecided(verdicts)

    def _untyped(self, both: "_Both", place: Place) -> Iterator[Change]:
        if is_untyped(both.now):
            yield both.change(place, "ARG_NO_UNTYPE", f"was {type_of(both.was)} and may be anything now")
        else:
            yield both.change(place, "ARG_NO_TYPE", f"had no type and is {type_of(both.now)} now")
        yield from place.undecided(both.verdicts)

    def _enums(self, both: "_Both", place: Place) -> Iterator[Change]:
        before, after = listed(both.was), listed(both.now)
        if before is not None and after is not None:
            yield from self._of_enum(before, after, both.source, place)
        elif after is None and isinstance(both.verdicts.back, Included):
            yield both.change(place, "ENUM_NO_OPEN", both.message)
        elif before is None and isinstance(both.verdicts.forth, Included):
            yield both.change(place, "ENUM_NO_CLOSE", both.message)
        else:
            yield both.change(place, "ARG_SAME_TYPE", both.message)
        yield from place.undecided(both.verdicts)

    def _of_enum(self, before: list[object], after: list[object], source: bool, place: Place) -> Iterator[Change]:
        if lost := without(before, after):
            message = f"{place.label} can no longer be {spelt(lost)}"
            yield Change("ENUM_NO_REMOVE", message, place.steps, True, False, source, example=lost[0])
        if added := without(after, before):
            message = f"{place.label} can now be {spelt(added)}"
            yield Change("ENUM_NO_ADD", message, place.steps, False, True, source, example=added[0])

    def _types(self, both: "_Both", place: Place) -> Iterator[Change]:
        kinds, others = set(map(kind_of, both.was)), set(map(kind_of, both.now))
        found: list[Change] = []
        if kinds != others:
            found.append(both.change(place, _of_kinds(kinds, others), both.message))
        for kind in dict.fromkeys(form.kind for form in both.was):
            olds, news = ([form for form in each if form.kind == kind] for each in (both.was, both.now))
            if news:
                found += self._alternatives(olds, news, place)
        yield from found
        if not any(change.has_effect for change in found):
            yield from place.undecided(both.verdicts)

    # -- within one kind of values

    def _alternatives(self, olds: list[Form], news: list[Form], place: Place) -> Iterator[Change]:
        """Changes between forms of one kind; each side may have several, and common ones are left out."""
        if len(olds) + len(news) > _PAIR:
            for old in list(olds):
                same = (new for new in news if self._are_same(old.schema, new.schema))
                if (new := next(same, None)) is not None:
                    olds.remove(old)
                    news.remove(new)
        if len(olds) == len(news) == 1:
            yield from self._forms(olds[0], news[0], place)
        elif olds or news:
            verdicts = self._verdicts(_any_of(olds), _any_of(news))
            rule = verdicts.rule(*_OF_TYPES)
            if rule is not None:
                yield place.change(rule, f"{_DOES[verdicts.refuted]}: other alternatives", verdicts, source=True)
            yield from place.undecided(verdicts)

    def _forms(self, old: Form, new: Form, place: Place) -> Iterator[Change]:
        if old.kind == "object":
            yield from self._objects.changes(old, new, place)
        if old.kind == "array":
            end = max(longest_prefix(old), longest_prefix(new))
            for index in range(end):
                yield from self._schemas(item(old, index), item(new, index), place.item("prefixItems", str(index)))
            yield from self._schemas(item(old, end), item(new, end), place.item("items"))
        verdicts = self._verdicts(_limits(old), _limits(new))
        rule = verdicts.rule("LIMIT_NO_TIGHTEN", "LIMIT_NO_LOOSEN", "LIMIT_SAME")
        if rule is not None:
            yield place.change(rule, f"{_DOES[verdicts.refuted]}: {difference(old, new)}", verdicts, source=False)
        yield from place.undecided(verdicts)


@dataclass(frozen=True, slots=True)
class _Both:
    """
    The forms of an old schema and of a new one.

    :ivar ask: gives the verdicts, which may take long
    :ivar source: whether code may no longer type-check
    """

    was: list[Form]
    now: list[Form]
    ask: Callable[[], Verdicts]
    source: bool

    @property
    def verdicts(self) -> Verdicts:
        return self.ask()

    @property
    def message(self) -> str:
        return f"was {type_of(self.was)} and is {type_of(self.now)} now"

    def change(self, place: Place, rule: str, message: str) -> Change:
        return place.change(rule, message, self.verdicts, source=self.source)


_DOES = {
    (True, False): "accepts less than before",
    (False, True): "accepts more than before",
    (True, True): "accepts other values than before",
}


def _once(found: Iterable[Change]) -> list[Change]:
    """The changes without duplicates, which several forms may have in common."""
    return list({(change.rule, change.steps, change.message): change for change in found}.values())


def _any_of(found: list[Form]) -> Schema:
    return {"anyOf": [form.schema for form in found]} if found else False


def _limits(form: Form) -> Schema:
    """The limits of a form, without its type and its parts."""
    schemas: list[Mapping[str, Any]] = [*form.flats, *(each for each in form.opaque if isinstance(each, Mapping))]
    kept = [{word: value for word, value in flat.items() if word in LIMITS} for flat in schemas]
    return together([{"type": form.kind}, *kept])


def _of_kinds(kinds: set[str], others: set[str]) -> str:
    if _are_among(kinds, others):
        return "ARG_NO_WIDEN"
    return "ARG_NO_NARROW" if _are_among(others, kinds) else "ARG_SAME_TYPE"


def _are_among(kinds: set[str], others: set[str]) -> bool:
    return all(kind in others or (kind == "integer" and "number" in others) for kind in kinds)
