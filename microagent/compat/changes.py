"""Changes between two schemas, and their places."""

import json
from dataclasses import dataclass, field, replace

from microagent.compat.inclusion import Refuted, Undecided, Verdict

Steps = tuple[str, ...]


class Missing:
    """The type of ``MISSING``, which stands for no example."""


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Change:
    """
    One change.

    :ivar message: what has changed, for people
    :ivar steps: the place in the new schema, or in the old one if ``is_gone``
    :ivar backward: whether the new schema may refuse values that fit the old one
    :ivar forward: whether the old schema may refuse values that fit the new one
    :ivar source: whether code for the old schema may no longer type-check
    :ivar example: a value at this place that is refused
    """

    rule: str
    message: str
    steps: Steps
    backward: bool = False
    forward: bool = False
    source: bool = False
    is_gone: bool = False
    example: object = field(default=MISSING)

    @property
    def has_effect(self) -> bool:
        """Whether it breaks anything."""
        return self.backward or self.forward or self.source


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Whether old values fit the new schema (``back``), and new ones the old (``forth``)."""

    back: Verdict
    forth: Verdict

    @property
    def refuted(self) -> tuple[bool, bool]:
        """Which of the two are refuted."""
        return isinstance(self.back, Refuted), isinstance(self.forth, Refuted)

    @property
    def undecided(self) -> tuple[bool, bool]:
        """Which of the two are undecided."""
        return isinstance(self.back, Undecided), isinstance(self.forth, Undecided)

    @property
    def example(self) -> object:
        """A counterexample, preferably to ``back``."""
        for verdict in (self.back, self.forth):
            if isinstance(verdict, Refuted):
                return verdict.example
        return MISSING

    def rule(self, narrower: str, wider: str, other: str) -> str | None:
        """The rule for refuted ``back``, ``forth``, or both; None if neither is refuted."""
        return {(True, False): narrower, (False, True): wider, (True, True): other}.get(self.refuted)


@dataclass(frozen=True, slots=True)
class Place:
    """
    A place in both schemas.

    :ivar root: the name of the whole in messages: ``payload``, ``message`` or ``answer``
    :ivar steps: from the whole to the place
    :ivar path: the name of the place in messages: ``lines[].price``; empty for the whole
    :ivar above: the texts of the pairs of schemas around it, for the detection of recursion
    """

    root: str
    steps: Steps = ()
    path: str = ""
    above: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """The beginning of a message about the place."""
        if self.path.endswith("[]"):
            whole = self.path.removesuffix("[]")
            return f"an item of {json.dumps(whole) if whole else f'the {self.root}'}"
        return f"{self._noun} {json.dumps(self.path)}" if self.path else f"the {self.root}"

    @property
    def _noun(self) -> str:
        return "argument" if self.root == "payload" and len(self.steps) == 2 else "property"  # noqa: PLR2004 - "properties" and a name

    def member(self, name: str) -> "Place":
        """The property of this name."""
        path = f"{self.path}.{name}" if self.path else name
        return replace(self, steps=(*self.steps, "properties", name), path=path)

    def item(self, *steps: str) -> "Place":
        """Items of an array."""
        return replace(self, steps=(*self.steps, *steps), path=f"{self.path}[]")

    def others(self) -> "Place":
        """All other properties."""
        path = f"{self.path}.*" if self.path else "*"
        return replace(self, steps=(*self.steps, "additionalProperties"), path=path)

    def change(self, rule: str, message: str, verdicts: Verdicts, *, source: bool) -> Change:
        """A change of this place with the effects that the verdicts say."""
        return Change(rule, f"{self.label} {message}", self.steps, *verdicts.refuted, source, example=verdicts.example)

    def undecided(self, verdicts: Verdicts) -> list[Change]:
        """The change for undecided verdicts, if there are any."""
        sides = ("old values fit it", "new values fit the old one")
        asked = [side for side, is_undecided in zip(sides, verdicts.undecided, strict=True) if is_undecided]
        message = f"{self.label} has changed, and it cannot be decided whether {' and whether '.join(asked)}"
        return [Change("UNDECIDED", message, self.steps, *verdicts.undecided)] if asked else []
