"""One change between two schemas, and the place of it."""

import json
from dataclasses import dataclass, field, replace

from microagent.compat.inclusion import Refuted, Undecided, Verdict

Steps = tuple[str, ...]


class Missing:
    """What stands where there is no example."""


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Change:
    """
    One change.

    :ivar message: what has changed, for people
    :ivar steps: the place, from the schema on; of the old schema, if ``is_gone``
    :ivar backward: values that fit the old schema may be refused by the new one
    :ivar forward: values that fit the new schema may be refused by the old one
    :ivar source: code that was written for the old schema may not type-check
    :ivar example: a value, of this place, that is refused
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
    def does_something(self) -> bool:
        """Whether anybody may notice."""
        return self.backward or self.forward or self.source


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Whether old values fit the new schema (``back``), and new ones the old (``forth``)."""

    back: Verdict
    forth: Verdict

    @property
    def refuted(self) -> tuple[bool, bool]:
        """Whether some do not, for each."""
        return isinstance(self.back, Refuted), isinstance(self.forth, Refuted)

    @property
    def undecided(self) -> tuple[bool, bool]:
        """Whether nobody can tell, for each."""
        return isinstance(self.back, Undecided), isinstance(self.forth, Undecided)

    @property
    def example(self) -> object:
        """A value that one of them refuses, the new one rather than the old."""
        for verdict in (self.back, self.forth):
            if isinstance(verdict, Refuted):
                return verdict.example
        return MISSING

    def rule(self, narrower: str, wider: str, other: str) -> str | None:
        """Which of the three it is; None if no value tells."""
        return {(True, False): narrower, (False, True): wider, (True, True): other}.get(self.refuted)


@dataclass(frozen=True, slots=True)
class Place:
    """
    A place of both schemas.

    :ivar steps: what leads to it
    :ivar root: how people call the whole: ``payload``, ``message``, ``answer``
    :ivar path: how people call the place in it: ``lines[].price``; nothing for the whole
    :ivar above: the texts of the pairs of schemas that it is in
    """

    root: str
    steps: Steps = ()
    path: str = ""
    above: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """The place, as a message begins with it."""
        if self.path.endswith("[]"):
            whole = self.path.removesuffix("[]")
            return f"an item of {json.dumps(whole) if whole else f'the {self.root}'}"
        return f"{self._noun} {json.dumps(self.path)}" if self.path else f"the {self.root}"

    @property
    def _noun(self) -> str:
        return "argument" if self.root == "payload" and len(self.steps) == 2 else "property"  # noqa: PLR2004 - itself and what it is in

    def member(self, name: str) -> "Place":
        """The property of this name."""
        path = f"{self.path}.{name}" if self.path else name
        return replace(self, steps=(*self.steps, "properties", name), path=path)

    def item(self, *steps: str) -> "Place":
        """Items of an array."""
        return replace(self, steps=(*self.steps, *steps), path=f"{self.path}[]")

    def others(self) -> "Place":
        """Properties that nobody names."""
        path = f"{self.path}.*" if self.path else "*"
        return replace(self, steps=(*self.steps, "additionalProperties"), path=path)

    def change(self, rule: str, message: str, verdicts: Verdicts, *, source: bool) -> Change:
        """A change of this place that does what the verdicts say."""
        return Change(rule, f"{self.label} {message}", self.steps, *verdicts.refuted, source, example=verdicts.example)

    def undecided(self, verdicts: Verdicts) -> list[Change]:
        """What is to be said of verdicts that nobody could give."""
        sides = ("old values fit it", "new values fit the old one")
        asked = [side for side, is_undecided in zip(sides, verdicts.undecided, strict=True) if is_undecided]
        message = f"{self.label} has changed, and it cannot be decided whether {' and whether '.join(asked)}"
        return [Change("UNDECIDED", message, self.steps, *verdicts.undecided)] if asked else []
