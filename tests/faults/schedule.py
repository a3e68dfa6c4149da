"""Which faults happen when: decided by a seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

SOONEST, LATEST = 1.0, 3.0  # seconds from one fault to the next
SHARE = 4  # no fault of server or network lasts longer than this part of all


class Kind(NamedTuple):
    """
    What can happen.

    :ivar seconds: how long it lasts
    :ivar whole: what it takes as a whole, server or network, so that no other such fault comes meanwhile; empty for
        one process of many
    """

    name: str
    seconds: float = 0.0
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One fault.

    :ivar at: seconds after the beginning
    :ivar target: picks one of the processes
    """

    at: float
    kind: Kind
    target: int

    def __str__(self) -> str:
        return f"{self.at:5.1f} s  {self.kind.name}" + (f" for {self.kind.seconds:g} s" if self.kind.seconds else "")


def schedule(seed: int, seconds: float, kinds: Sequence[Kind], pause: float = 0.0) -> list[Fault]:
    """
    The faults of a run: none comes twice before all others that fit have come.

    :param seconds: from the beginning to the last fault
    :param pause: seconds between one fault of a whole and the next one of it
    """
    chance = random.Random(seed)
    fitting = sorted(kind for kind in kinds if kind.seconds <= seconds / SHARE or not kind.whole)
    faults: list[Fault] = []
    deck: list[Kind] = []
    free: dict[str, float] = {}  # when a whole is free again
    at = chance.uniform(SOONEST, LATEST)
    while at <= seconds:
        deck = deck or chance.sample(fitting, len(fitting))
        target = chance.randrange(1000)
        kind = next((kind for kind in deck if free.get(kind.whole, 0.0) <= at), None)
        if kind is not None:
            deck.remove(kind)
            faults.append(Fault(at, kind, target))
            if kind.whole:
                free[kind.whole] = at + kind.seconds + pause
        at += chance.uniform(SOONEST, LATEST)
    return faults
