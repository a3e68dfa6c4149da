"""Whether every value of one schema fits another: proved, refuted by a counterexample, or undecided."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from microagent.compat.finders import ROUNDS, Finder, Unaided
from microagent.compat.proof import Proof
from microagent.compat.samples import Samples
from microagent.compat.scopes import Scope, Undecidable
from microagent.schemas.words import Schema

_UNAIDED = Unaided()


@dataclass(frozen=True, slots=True)
class Included:
    """It is proved that every value fits the other schema."""


@dataclass(frozen=True, slots=True)
class Refuted:
    """Not every value fits: ``example`` fits the one schema, and not the other."""

    example: object


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither a proof nor a counterexample was found; ``tried`` values fit both schemas."""

    tried: int


Verdict = Included | Refuted | Undecided


class Inclusion:
    """
    Decides whether values of ``one`` schema fit the ``other``, for the whole schemas and for parts of them.

    :param good_faith: assume that nobody sends a property that ``one`` does not mention and the ``other`` declares
    :param finder: the source of values that cannot be derived from the schemas
    """

    def __init__(self, one: Scope, other: Scope, *, good_faith: bool = False, finder: Finder = _UNAIDED) -> None:
        self._one = one
        self._other = other
        self._good_faith = good_faith
        self._finder = finder
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._left = ROUNDS * finder.tries
        self._proof = Proof(one, other, good_faith=good_faith)

    def is_proved(self, one: Schema, other: Schema) -> bool:
        """Whether inclusion can be proved; fast, because no values are tried."""
        return self._proof.included(one, other)

    def verdict(self, one: Schema, other: Schema) -> Verdict:
        """The verdict for parts of the two schemas."""
        key = self._one.text(one), self._other.text(other)
        if key not in self._verdicts:
            self._verdicts[key] = self._verdict(one, other)
        return self._verdicts[key]

    def _verdict(self, one: Schema, other: Schema) -> Verdict:
        if self._proof.included(one, other):
            return Included()
        tried = 0
        for value in islice(self._values(one, other), min(self._finder.tries, self._left)):
            self._left -= 1
            with suppress(Undecidable):
                if self._one.accepts(one, value):
                    if not self._other.accepts(other, value):
                        return Refuted(value)
                    tried += 1
        return Undecided(tried)

    def _values(self, one: Schema, other: Schema) -> Iterator[object]:
        samples = Samples(self._one, self._other, self._finder, good_faith=self._good_faith)
        with suppress(Undecidable):
            yield from samples.of(one, other)
        with suppress(Undecidable):
            yield from (found for found in self._finder.values(self._one, one) if samples.are_sent(one, other, found))
