"""Staying awake for what comes soon."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import pytest

from microagent import wakeful as wakeful_module
from microagent.wakeful import EACH, LONGEST, MOST_SLEPT_THROUGH, Wakeful


class Loop:
    """A loop whose turns take as long as they are told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ready: deque[Callable[[], object]] = deque()

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.ready.append(callback)

    def turn(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(len(self.ready)):
            self.ready.popleft()()

    def falls_asleep(self, seconds: float = LONGEST / 10) -> int:
        """After how many turns."""
        turns = 0
        while self.ready:
            self.turn(seconds)
            turns += 1
        return turns


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(wakeful_module, "monotonic", lambda: loop.now)
    return loop


def wakeful(awaited: list[Any], loop: Loop) -> Wakeful:
    return Wakeful(cast("asyncio.AbstractEventLoop", loop), awaited.__len__)


def test_the_loop_turns_until_the_answer_is_there(loop: Loop) -> None:
    """And then rests."""
    awaited = ["an answer"]
    awake = wakeful(awaited, loop)
    awake.wait()
    loop.turn(LONGEST / 10)
    assert loop.ready
    awaited.clear()
    assert loop.falls_asleep() == 1


def test_it_does_not_turn_for_long(loop: Loop) -> None:
    """An answer that takes its time wakes the process."""
    awake = wakeful(["an answer"], loop)
    awake.wait()
    assert 9 <= loop.falls_asleep(LONGEST / 10) <= 12


def test_it_turns_longer_for_more(loop: Loop) -> None:
    """Forty answers take a server longer than one."""
    awake = wakeful(["an answer"] * 40, loop)
    awake.wait(40)
    loop.turn(LONGEST + 39 * EACH)
    assert loop.ready
    loop.turn(2 * EACH)
    assert not loop.ready


def test_one_turn_is_enough_for_all_who_wait(loop: Loop) -> None:
    """The last of them counts."""
    awake = wakeful(["an answer", "another one"], loop)
    awake.wait()
    loop.turn(LONGEST / 2)
    awake.wait()
    assert len(loop.ready) == 1
    loop.turn(LONGEST * 0.9)
    assert loop.ready
    loop.turn(LONGEST * 0.2)  # which is more than EACH
    assert not loop.ready


def test_where_answers_take_long_the_loop_sleeps(loop: Loop) -> None:
    """Through ever more waits, and always tries again."""
    awake = wakeful(["an answer"], loop)
    slept, tries = [0], 0
    while tries < 12:
        awake.wait()
        if loop.ready:
            tries += 1
            slept.append(0)
            loop.falls_asleep()
        else:
            slept[-1] += 1
    assert slept[:6] == [0, 1, 3, 7, 15, 31]
    assert slept[-2] == MOST_SLEPT_THROUGH


def test_an_answer_in_time_makes_up_for_many_late_ones(loop: Loop) -> None:
    """A late one after it is slept through once."""
    awaited = ["an answer"]
    awake = wakeful(awaited, loop)
    for _ in range(5):
        awake.wait()
        loop.falls_asleep()
    while not loop.ready:
        awake.wait()
    awaited.clear()
    loop.falls_asleep()
    awaited.append("a late one")
    awake.wait()
    loop.falls_asleep()
    awake.wait()
    assert not loop.ready
    awake.wait()
    assert loop.ready
