"""What comes on a connection to RabbitMQ, in any pieces, some of it for listeners and the rest for the driver."""

import random
from itertools import pairwise
from typing import Any, cast

import pytest
from aiormq import spec
from aiormq.abc import AbstractChannel
from aiormq.connection import FrameReceiver
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError
from amqp_frames import CONSUMERS, delivered, read, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from microagent.tools.amqp import sieve as sieve_module
from microagent.tools.amqp.arrived import Arrived
from microagent.tools.amqp.deliveries import Deliveries
from microagent.tools.amqp.sieve import LONGEST, Sieve

GET_OK = [(3, spec.Basic.GetOk(1, False, "", "queue", 0)), (3, ContentHeader(body_size=2)), (3, ContentBody(b"{}"))]
OTHERS = [(0, Heartbeat()), *GET_OK, (3, spec.Basic.QosOk())]
FIRST = delivered(1, 1, b"one") + delivered(1, 2, b"t", b"w", b"o", headers={"a": 1}) + delivered(1, 3)
SETTLED = [(1, spec.Basic.CancelOk("ours.1"))]
SECOND = delivered(2, 1, b"x" * 300) + delivered(2, 2, b"y")
THEIRS = delivered(2, 3, b"theirs", consumer="somebody")


def listening(*channels: int) -> tuple[Sieve, dict[int, list[Arrived]]]:
    """A sieve, and what arrives on channels that are listened to."""
    sieve, got = Sieve(), {channel: list[Arrived]() for channel in channels}
    for channel, messages in got.items():
        sieve.listen(channel, Deliveries(cast("AbstractChannel", None), CONSUMERS, messages.append))
    return sieve, got


async def left(sieve: Sieve) -> bytes:
    """What the driver gets."""
    sieve.feed_eof()
    return await sieve.read()


def interleaved(seed: int) -> list[tuple[int, Any]]:
    """The frames of two channels and of all others, each in its own order."""
    lanes, frames, chance = [[*FIRST, *SETTLED], [*SECOND, *THEIRS], [*OTHERS]], [], random.Random(seed)
    while any(lanes):
        frames.append(chance.choice([lane for lane in lanes if lane]).pop(0))
    return frames


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 2000), max_size=12))
async def test_messages_are_the_same_however_they_come(seed, cuts):
    """Channels take turns at any frame, the bytes come in any pieces; the driver gets the rest, in order."""
    frames = interleaved(seed)
    data = written(frames)
    sieve, got = listening(1, 2)
    places = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
    for begin, end in pairwise(places):
        sieve.feed_data(data[begin:end])
    assert [(each.delivery_tag, each.body) for each in got[1]] == [(1, b"one"), (2, b"two"), (3, b"")]
    assert [(each.delivery_tag, each.body) for each in got[2]] == [(1, b"x" * 300), (2, b"y")]
    rest = [frame for frame in frames if frame not in FIRST + SECOND]
    assert list(read(await left(sieve))) == list(read(written(rest)))


async def test_a_frame_may_be_cut_anywhere():
    """At each of its bytes."""
    data = written(FIRST)
    for cut in range(len(data)):
        sieve, got = listening(1)
        sieve.feed_data(data[:cut])
        sieve.feed_data(data[cut:])
        assert [each.body for each in got[1]] == [b"one", b"two", b""]


async def test_bytes_may_come_one_by_one():
    """Also those of a frame that is long."""
    data = written(delivered(1, 1, b"x" * 50_000))
    sieve, got = listening(1)
    for byte in data:
        sieve.feed_data(bytes([byte]))
    assert [len(each.body) for each in got[1]] == [50_000]


async def test_body_of_many_frames_is_put_together():
    """Ten megabytes in the frames that servers send, read in the pieces that a socket gives."""
    part = bytes(131_064)
    data = written(delivered(1, 1, *[part] * 80))
    sieve, got = listening(1)
    for begin in range(0, len(data), 262_144):
        sieve.feed_data(data[begin : begin + 262_144])
    assert [len(each.body) for each in got[1]] == [80 * len(part)]


async def test_the_driver_has_signs_of_life(monkeypatch):
    """A server that sends messages alone is not silent, as one would be that the driver gives up."""
    sieve, _ = listening(1)
    for _ in range(3):
        sieve.feed_data(written(delivered(1, 1, b"{}")))
    _, _, frame = await FrameReceiver(sieve).get_frame()
    assert isinstance(frame, Heartbeat)
    monkeypatch.setattr(sieve_module, "SIGNS", 0.0)
    sieve.feed_data(written(delivered(1, 1, b"{}")))
    assert list(read(data := await left(sieve))) == []
    assert len(data) == 8


async def test_who_leaves_hears_nothing_more():
    """A channel that is closed leaves its number to another; who takes over is not sent away by who was before."""
    sieve, got = listening(1)
    late = Deliveries(cast("AbstractChannel", None), CONSUMERS, got[1].append)
    sieve.leave(1, late)
    sieve.feed_data(written(delivered(1, 1, b"one")))
    sieve.listen(1, late)
    sieve.leave(1, late)
    sieve.feed_data(written(delivered(1, 2, b"two")))
    assert [each.body for each in got[1]] == [b"one"]
    assert b"two" in await left(sieve)


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x01\x00\x01\x00\x00\x00\x01xy" + bytes(9)])
async def test_what_is_no_frame_is_the_drivers(garbage):
    """With all that follows; the driver says what is wrong with it, and ends the connection."""
    sieve, got = listening(1)
    sieve.feed_data(written(FIRST) + garbage)
    sieve.feed_data(written(FIRST))
    assert len(got[1]) == 3
    receiver = FrameReceiver(sieve)
    await receiver.get_frame()  # the sign of life
    sieve.feed_eof()
    with pytest.raises((InvalidFrameError, AMQPConnectionError)):
        await receiver.get_frame()


async def test_frame_that_is_too_long_is_an_error_at_once():
    """Not one that memory is filled for; what is agreed on is not too long."""
    sieve, _ = listening(1)
    sieve.agree(131_072)
    sieve.feed_data(b"\x03\x00\x01" + (LONGEST - 8).to_bytes(4, "big"))
    assert sieve.exception() is None
    sieve, _ = listening(1)
    sieve.agree(131_072)
    sieve.feed_data(b"\x03\x00\x01" + LONGEST.to_bytes(4, "big"))
    with pytest.raises(AMQPConnectionError, match=r"a frame of 1,048,584 bytes is longer than agreed"):
        await FrameReceiver(sieve).get_frame()


@pytest.mark.parametrize("agreed", [4 * LONGEST, 0])
async def test_longer_frames_can_be_agreed_on(agreed):
    """Servers may be set up so; 0 is without a limit."""
    sieve, got = listening(1)
    sieve.agree(agreed)
    data = written(delivered(1, 1, bytes(3 * LONGEST)))
    sieve.feed_data(data[:100])
    sieve.feed_data(data[100:])
    assert [len(each.body) for each in got[1]] == [3 * LONGEST]


async def test_message_that_makes_no_sense_ends_the_connection():
    """The driver reads an error, which says what it is."""
    sieve, got = listening(1)
    method, header, *_ = delivered(1, 1, b"{}")
    sieve.feed_data(written([method, header, (1, ContentBody(b"too much"))]))
    with pytest.raises(AMQPConnectionError, match="there is more of a message than its header tells"):
        await FrameReceiver(sieve).get_frame()
    sieve.feed_data(written(FIRST))
    assert got[1] == []
