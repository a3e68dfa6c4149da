"""Taking dead letters out of a queue on RabbitMQ, which can only be read from its front."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from aiormq import spec

from microagent import BackendConnectionError, BackendError, DeadLetter
from microagent.link import Interrupted
from microagent.tools.amqp import messages
from microagent.tools.amqp.removal import SKEW, TOGETHER, Removal


class Channel:
    """A queue of dead letters as its channel shows it."""

    def __init__(self, *letters: DeadLetter) -> None:
        self.waiting = [*letters]
        self.got = 0
        self.acknowledged: list[int] = []
        self.steps: list[str] = []

    async def basic_get(self, queue: str) -> Any:
        if not self.waiting:
            return SimpleNamespace(delivery=spec.Basic.GetEmpty())
        letter = self.waiting.pop(0)
        self.got += 1
        headers = {messages.FAILED: letter.attempts, messages.REASON: letter.reason}
        headers |= {messages.BURIED: round(letter.time * 1000)} if letter.time else {}
        properties = SimpleNamespace(headers=headers, message_id=letter.id)
        return SimpleNamespace(
            delivery=None, delivery_tag=self.got, body=letter.body, header=SimpleNamespace(properties=properties)
        )

    async def basic_ack(self, tag: int, wait: bool) -> None:
        self.acknowledged.append(tag)
        self.steps.append("ack")

    async def basic_nack(self, tag: int, multiple: bool, requeue: bool) -> None:
        assert (tag, multiple, requeue) == (0, True, True)
        self.steps.append("give back")

    async def basic_qos(self, prefetch_count: int) -> None:
        self.steps.append("wait")


def letter(number: int, **facts: Any) -> DeadLetter:
    return replace(DeadLetter("q", b"{}", "no", 4, 1000.0 + number, str(number)), **facts)


async def forgotten(found: Sequence[Any]) -> Sequence[Exception | None]:
    return [None] * len(found)


async def removed(channel: Any, *letters: DeadLetter, hand_on: Any = forgotten) -> Removal:
    removal = Removal("q", letters, hand_on)
    await removal.look(channel, "q.dead")
    return removal


async def test_only_what_is_meant_is_taken_out():
    """All before it is held and goes back; nothing is read beyond the last one."""
    channel = Channel(*map(letter, range(6)))
    assert (await removed(channel, letter(3), letter(1))).count == 2
    assert channel.acknowledged == [2, 4]
    assert channel.got == 4
    assert channel.steps == ["ack", "ack", "give back", "wait"]


async def test_letter_is_acknowledged_when_its_message_is_elsewhere():
    """Not before; one that was not taken there stays, and why is raised, with all others settled."""
    channel = Channel(*map(letter, range(3)))

    async def send(found: Sequence[Any]) -> Sequence[Exception | None]:
        channel.steps.append("send")
        return [None, BackendError("too large"), None]

    with pytest.raises(BackendError, match="too large"):
        await removed(channel, *map(letter, range(3)), hand_on=send)
    assert channel.acknowledged == [1, 3]
    assert channel.steps == ["send", "ack", "ack", "give back", "wait"]


async def test_letters_are_handed_on_in_portions():
    """So that no more bodies are held than of these."""
    sizes: list[int] = []

    async def send(found: Sequence[Any]) -> Sequence[Exception | None]:
        sizes.append(len(found))
        return [None] * len(found)

    letters = [*map(letter, range(2 * TOGETHER + 1))]
    assert (await removed(Channel(*letters), *letters, hand_on=send)).count == len(letters)
    assert sizes == [TOGETHER, TOGETHER, 1]


async def test_one_that_is_gone_is_not_looked_for_among_the_younger():
    """What was buried a while later ends the look, as clocks differ by no more."""
    channel = Channel(letter(0), letter(2), letter(SKEW / 2), letter(SKEW + 2), letter(SKEW + 3))
    assert (await removed(channel, letter(1))).count == 0
    assert channel.got == 4
    assert channel.acknowledged == []


async def test_letters_of_others_are_looked_for_everywhere():
    """They do not say when they were buried, and need not have an id: of two that are the same, one goes."""
    theirs = letter(0, time=0.0, id="", reason="", attempts=0)
    channel = Channel(letter(5), letter(500), theirs, theirs, letter(900))
    assert (await removed(channel, theirs)).count == 1
    assert channel.acknowledged == [3]


async def test_same_id_is_not_the_same_letter():
    """A message that came twice, or whose sender gave it its id, is known by all that its letter says."""
    first, second = letter(1, id="a"), letter(2, id="a")
    channel = Channel(first, second)
    assert (await removed(channel, second)).count == 1
    assert channel.acknowledged == [2]


async def test_lost_connection_is_told_by_what_was_done():
    """Before anything was handed on, it may be tried again; after that, nobody knows."""
    lost = BackendConnectionError("lost")
    channel = Channel(letter(1))
    removal = Removal("q", [letter(1)], forgotten)
    assert removal.what_became_of_it(lost) is lost
    await removal.look(channel, "q.dead")  # type: ignore[arg-type]  # it is all that is used of one
    assert isinstance(removal.what_became_of_it(lost), Interrupted)
