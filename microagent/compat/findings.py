"""Findings: changes of a contract, with whom they break and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from microagent.compat.changes import MISSING, Change, Steps
from microagent.compat.rules import EMPTY_IT, PARTIES, RULES, Mode, Party, Rule
from microagent.errors import Problem

Kind: TypeAlias = Literal["signal", "queue"]

PAYLOAD_PARTIES: dict[Kind, tuple[tuple[Party, ...], tuple[Party, ...]]] = {
    "signal": (("producers",), ("consumers",)),
    "queue": (("producers", "backlog"), ("consumers",)),
}
"""The parties that backward and forward incompatible changes break."""

_OF_ANSWER: tuple[tuple[Party, ...], tuple[Party, ...]] = (("consumers",), ("callers",))


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One change that breaks somebody.

    :ivar message: begins with the declaration: ``signal "user_created": ...``
    :ivar steps: from the declaration to the place
    :ivar origin: the place of the new declaration, or of the old one if it is gone; None if it is not known
    :ivar backward: the parties that it breaks because something was sent by the old declaration
    :ivar forward: the parties that it breaks because something is received by the old declaration
    :ivar source: whether it breaks code that is type-checked
    :ivar allowed: the rules that the declaration allows to break, each with a reason
    """

    rule: Rule
    kind: Kind
    name: str
    message: str
    steps: Steps = ()
    origin: Problem | None = None
    is_gone: bool = False
    backward: tuple[Party, ...] = ()
    forward: tuple[Party, ...] = ()
    source: bool = False
    example: object = field(default=MISSING)
    allowed: Mapping[str, str] = field(default_factory=dict[str, str])

    def breaks(self, mode: Mode = "full") -> tuple[Party, ...]:
        """The parties that it breaks, of those that the mode is about."""
        sides: dict[Mode, tuple[Party, ...]] = {
            "backward": self.backward,
            "forward": self.forward,
            "source": ("source",) if self.source else (),
        }
        parties = [party for side in sides if mode in {"full", side} for party in sides[side]]
        return tuple(party for party in PARTIES if party in parties)

    @property
    def safe(self) -> str:
        """How to make the change without breaking anybody."""
        return self.rule.safe.replace(EMPTY_IT, "" if self.kind == "signal" else ", empty the queue")

    @property
    def has_example(self) -> bool:
        """Whether there is an example of a value that is refused."""
        return self.example is not MISSING


def of_payload(kind: Kind, change: Change) -> tuple[Rule, tuple[Party, ...], tuple[Party, ...]]:
    """The rule of a change of a payload, and whom it breaks, backward and forward."""
    return RULES[change.rule], *_parties(change, *PAYLOAD_PARTIES[kind])


def of_answer(change: Change) -> tuple[Rule, tuple[Party, ...], tuple[Party, ...]]:
    """The rule of a change of an answer, and whom it breaks, backward and forward."""
    return RULES[_rule_of_answer(change)], *_parties(change, *_OF_ANSWER)


def _parties(
    change: Change, backward: tuple[Party, ...], forward: tuple[Party, ...]
) -> tuple[tuple[Party, ...], tuple[Party, ...]]:
    return backward if change.backward else (), forward if change.forward else ()


def _rule_of_answer(change: Change) -> str:
    known = {"ARG_NO_TYPE": "RETURNS_NO_ADD", "ARG_NO_UNTYPE": "RETURNS_NO_REMOVE", "UNDECIDED": "UNDECIDED"}
    if change.rule in known and (change.steps == () or change.rule == "UNDECIDED"):
        return known[change.rule]
    if change.backward == change.forward:
        return "RETURNS_SAME_TYPE"
    return "RETURNS_NO_NARROW" if change.backward else "RETURNS_NO_WIDEN"
