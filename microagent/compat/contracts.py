"""The comparison of two contracts: what differs, and whom that breaks."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar, cast

from microagent.compat.changes import Change, Steps, Verdicts
from microagent.compat.comparison import Comparison
from microagent.compat.finders import Finder, Unaided
from microagent.compat.findings import PAYLOAD_PARTIES, Finding, Kind, of_answer, of_payload
from microagent.compat.inclusion import Inclusion, Refuted, Verdict
from microagent.compat.objects import LIKENESS, likeness
from microagent.compat.places import first_difference
from microagent.compat.rules import RULES
from microagent.compat.scopes import Scope
from microagent.compat.topics import uncovered
from microagent.declarations import Declaration, QueueDeclaration, SignalDeclaration
from microagent.schemas.words import Schema, as_object

D = TypeVar("D", bound=Declaration)
Declared = TypeVar("Declared", SignalDeclaration, QueueDeclaration)

LONGEST = 20_000
"""Declarations with more characters than these are not compared in detail, because that may take long."""

_UNAIDED = Unaided()
_QUICK = Unaided(tries=100)


@dataclass(frozen=True, slots=True)
class Contract:
    """
    The signals and queues that are declared together.

    :ivar reserved: the names of removed signals and queues that must not be used again
    """

    signals: Mapping[str, SignalDeclaration] = field(default_factory=dict[str, SignalDeclaration])
    queues: Mapping[str, QueueDeclaration] = field(default_factory=dict[str, QueueDeclaration])
    reserved: Mapping[Kind, frozenset[str]] = field(default_factory=dict[Kind, frozenset[str]])


def findings(old: Contract, new: Contract, finder: Finder = _UNAIDED, *, formats: bool = False) -> list[Finding]:
    """
    All changes that break somebody: of signals first, then of queues, both by name.

    :param formats: whether ``format`` refuses values
    """
    compare = partial(signal_findings, formats=formats), partial(queue_findings, formats=formats)
    signals = _Kind("signal", old.signals, new.signals, _reserved("signal", old, new), compare[0], finder)
    queues = _Kind("queue", old.queues, new.queues, _reserved("queue", old, new), compare[1], finder)
    return [*signals.findings(), *queues.findings()]


def _reserved(kind: Kind, old: Contract, new: Contract) -> frozenset[str]:
    return old.reserved.get(kind, frozenset()) | new.reserved.get(kind, frozenset())


@dataclass(frozen=True, slots=True)
class _Kind(Generic[D]):
    """The declarations of one kind in both contracts."""

    kind: Kind
    old: Mapping[str, D]
    new: Mapping[str, D]
    reserved: frozenset[str]
    compare: Callable[[D, D, Finder], list[Finding]]
    finder: Finder

    def findings(self) -> Iterator[Finding]:
        added = {name: self.new[name] for name in sorted(self.new.keys() - self.old.keys())}
        renamed = self._renamed(added)
        for name in sorted(self.old.keys() | self.reserved):
            if name in self.new and name in self.old:
                if not _is_same(self.old[name], self.new[name]):
                    yield from self.compare(self.old[name], self.new[name], self.finder)
            elif name in self.new:
                yield self._readded(self.new[name])
            elif name in renamed:
                yield self._rename(self.old[name], self.new[renamed[name]])
            elif name in self.old:
                yield self._removed(self.old[name])

    def _removed(self, gone: D) -> Finding:
        found = self._finding("NO_REMOVE", gone, "is removed")
        return replace(found, source=True, is_gone=True)

    def _rename(self, gone: D, added: D) -> Finding:
        found = self._finding("NO_RENAME", gone, f"looks renamed to {json.dumps(added.name)}")
        return replace(found, source=True, origin=added.origin, allowed=allowed(added))

    def _readded(self, added: D) -> Finding:
        return self._finding("NO_READD", added, "is declared again, though its name is reserved")

    def _finding(self, rule: str, declared: D, message: str) -> Finding:
        backward, forward = PAYLOAD_PARTIES[self.kind]
        if isinstance(declared, SignalDeclaration) and declared.returns is not None:
            forward = (*forward, "callers")
        return Finding(
            RULES[f"{self.kind.upper()}_{rule}"],
            self.kind,
            declared.name,
            f"{self.kind} {json.dumps(declared.name)} {message}",
            origin=declared.origin,
            backward=backward,
            forward=forward,
            allowed=allowed(declared),
        )

    def _renamed(self, added: Mapping[str, D]) -> dict[str, str]:
        """Removed names with the added names that they were probably renamed to: similar ones that declare the same."""
        found: dict[str, str] = {}
        for name in sorted(self.old.keys() - self.new.keys()):
            alike = [other for other in added if other not in found.values() and likeness(name, other) >= LIKENESS]
            for other in sorted(alike, key=lambda other: -likeness(name, other)):
                if not self.compare(self.old[name], added[other], self.finder):
                    found[name] = other
                    break
        return found


def _is_same(old: Declaration, new: Declaration) -> bool:
    return old.fingerprint == new.fingerprint and not _reserved_names(old, new)


def differences(old: Declaration, new: Declaration) -> list[str]:
    """
    How another declaration of the same name differs: each change with its rule, or the place of the first difference.

    The latter is for declarations that may take long to compare, because they are not trusted.
    """
    was, now = old.structure(), new.structure()
    is_long = len(was) + len(now) > LONGEST or '"pattern' in was + now
    found = [] if is_long else _findings_of(old, new)
    described = [f"{each.rule.id}: {each.message.partition(': ')[2]}" for each in found]
    return described or [f"different at {place}" for place in first_difference(json.loads(was), json.loads(now))]


def _findings_of(old: Declaration, new: Declaration) -> list[Finding]:
    if isinstance(old, SignalDeclaration) and isinstance(new, SignalDeclaration):
        return signal_findings(old, new, _QUICK)
    if isinstance(old, QueueDeclaration) and isinstance(new, QueueDeclaration):
        return queue_findings(old, new, _QUICK)
    return []


def allowed(declared: Declaration) -> Mapping[str, str]:
    """The rules that a declaration allows to break, each with a reason."""
    found: Mapping[str, str] = declared.compat.get("allow", {})
    return found


def signal_findings(
    old: SignalDeclaration, new: SignalDeclaration, finder: Finder = _UNAIDED, *, formats: bool = False
) -> list[Finding]:
    """The findings about a change of a signal."""
    was, now = _scopes(old, new, lambda declared: declared.accepted, formats)
    whole = Verdicts(_arrival(old, now, finder, formats), _arrival(new, was, finder, formats))
    changes = Comparison(was, now, finder, "payload", whole=whole).changes(_reserved_names(old, new))
    found = [_finding("signal", new, change, ("payload", *change.steps)) for change in changes]
    if old.returns is not None or new.returns is not None:
        both = _scopes(old, new, _answer, formats)
        for change in Comparison(*both, finder, "answer").changes():
            found.append(_answer_finding(new, change))
    return found


def queue_findings(
    old: QueueDeclaration, new: QueueDeclaration, finder: Finder = _UNAIDED, *, formats: bool = False
) -> list[Finding]:
    """The findings about a change of a queue."""
    changes = Comparison(*_scopes(old, new, _message, formats), finder, "message").changes(_reserved_names(old, new))
    found = [_finding("queue", new, change, ("payload", *change.steps)) for change in changes]
    return [*found, *_route_findings(old, new)]


def _scopes(
    old: Declared, new: Declared, schema_of: Callable[[Declared], Schema], formats: bool
) -> tuple[Scope, Scope]:
    was, now = (Scope(schema_of(each), each.definitions, formats=formats) for each in (old, new))
    return was, now


def _message(declared: QueueDeclaration) -> Schema:
    return as_object(True if declared.payload is None else declared.payload)


def _answer(declared: SignalDeclaration) -> Schema:
    return True if declared.returns is None else declared.returns


def _route_findings(old: QueueDeclaration, new: QueueDeclaration) -> Iterator[Finding]:
    """The findings about exchange, topics and kind of a queue, on servers that have these."""
    if old.exchange != new.exchange:
        message = f"exchange {json.dumps(old.exchange)} → {json.dumps(new.exchange)}"
        found = _finding("queue", new, Change("EXCHANGE_SAME", message, ("exchange",), True, True), ("exchange",))
        yield replace(found, backward=("producers",))
    elif (old.topics or new.topics) and set(old.topics) != set(new.topics):
        yield from _topic_findings(old, new)
    if old.quorum != new.quorum:
        message = f"quorum {json.dumps(old.quorum)} → {json.dumps(new.quorum)}"
        found = _finding("queue", new, Change("QUORUM_SAME", message, ("quorum",), True), ("quorum",))
        yield replace(found, backward=("backlog",))


def _topic_findings(old: QueueDeclaration, new: QueueDeclaration) -> Iterator[Finding]:
    was, now = old.topics or ("#",), new.topics or ("#",)  # without topics a queue gets everything
    if lost := uncovered(was, now):
        change = Change("TOPIC_NO_REMOVE", f"no longer gets {_quoted(lost)}", ("topics",), True)
        yield replace(_finding("queue", new, change, ("topics",)), backward=("producers",))
    if added := uncovered(now, was):
        change = Change("TOPIC_NO_ADD", f"now also gets {_quoted(added)}", ("topics",), False, True)
        yield _finding("queue", new, change, ("topics",))


def _finding(kind: Kind, new: Declaration, change: Change, steps: Steps) -> Finding:
    rule, backward, forward = of_payload(kind, change)
    message = f"{kind} {json.dumps(new.name)}: {change.message}"
    found = Finding(rule, kind, new.name, message, steps, new.origin, change.is_gone, backward, forward, change.source)
    return replace(found, example=change.example, allowed=allowed(new))


def _answer_finding(new: SignalDeclaration, change: Change) -> Finding:
    rule, backward, forward = of_answer(change)
    found = _finding("signal", new, change, ("returns", *change.steps))
    about = found.message if "the answer" in found.message else f"{found.message}, in the answer"
    return replace(found, rule=rule, message=about, backward=backward, forward=forward)


def _arrival(sender: SignalDeclaration, taker: Scope, finder: Finder, formats: bool) -> Verdict:
    """Whether all that is sent by a declaration fits what is taken by another."""

    def verdict(sent: Schema) -> Verdict:
        scope = Scope(sent, sender.definitions, formats=formats)
        return Inclusion(scope, taker, good_faith=True, finder=finder).verdict(scope.schema, taker.schema)

    found, names = verdict(sender.accepted), sender.arguments
    if isinstance(found, Refuted) and names is not None and not names.issuperset(cast("Iterable[str]", found.example)):
        return verdict(_with_no_others(sender.accepted, names))
    return found


def _with_no_others(schema: Schema, names: frozenset[str]) -> Schema:
    """What fits a schema and has no other properties than these."""
    keywords: Mapping[str, Any] = {} if isinstance(schema, bool) else schema
    closed = {"properties": dict.fromkeys(sorted(names), True), "additionalProperties": False}
    return {**keywords, "allOf": [*keywords.get("allOf", ()), closed]}


def _reserved_names(*declared: Declaration) -> list[str]:
    listed: Iterable[str] = (name for each in declared for name in each.compat.get("reserved", ()))
    return list(dict.fromkeys(listed))


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(map(json.dumps, words))
