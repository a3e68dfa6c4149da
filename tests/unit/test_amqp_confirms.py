"""What a server confirms, told to those who wait, before or after what else it says of their messages."""

import asyncio

import pytest
from aiormq import spec
from amqp_frames import delivered, payload

from microagent.tools.amqp.confirms import Confirms
from microagent.tools.amqp.frames import HEADER, METHOD, FrameError


class Channel:
    def __init__(self, count):
        loop = asyncio.get_running_loop()
        self.confirmations = {number: loop.create_future() for number in range(1, count + 1)}


def hear(confirms, method):
    return confirms.hear(METHOD, payload(method))


async def test_confirm_is_told():
    """To who waits for it, and to nobody else."""
    channel = Channel(3)
    futures = dict(channel.confirmations)
    assert hear(Confirms(channel), spec.Basic.Ack(2))
    assert futures[2].result().delivery_tag == 2
    assert list(channel.confirmations) == [1, 3]
    assert not futures[1].done()


async def test_one_confirm_may_be_for_many():
    """For all up to it."""
    channel = Channel(4)
    futures = dict(channel.confirmations)
    assert hear(Confirms(channel), spec.Basic.Ack(3, multiple=True))
    assert [number for number, future in futures.items() if future.done()] == [1, 2, 3]
    assert list(channel.confirmations) == [4]


async def test_sender_that_has_gone_is_passed_over():
    """Its message was taken all the same."""
    channel = Channel(2)
    futures = dict(channel.confirmations)
    futures[1].cancel()
    assert hear(Confirms(channel), spec.Basic.Ack(2, multiple=True))
    assert futures[2].done()
    assert channel.confirmations == {}


async def test_confirm_of_nothing_is_the_drivers():
    """It says that it did not expect it."""
    assert not hear(Confirms(Channel(1)), spec.Basic.Ack(7))


@pytest.mark.parametrize("said", [spec.Basic.Return(312, "NO_ROUTE", "", "q"), spec.Basic.Nack(1)])
async def test_confirms_do_not_overtake(said):
    """What is returned is confirmed after that; the driver tells it, in order, until it has nothing left to tell."""
    channel = Channel(2)
    confirms = Confirms(channel)
    assert not hear(confirms, said)
    assert not confirms.hear(HEADER, payload(delivered(1, 1)[1][1]))
    confirms.begin()
    assert not hear(confirms, spec.Basic.Ack(2, multiple=True))
    assert len(channel.confirmations) == 2
    channel.confirmations.clear()  # by the driver
    confirms.begin()
    channel.confirmations[3] = asyncio.get_running_loop().create_future()
    assert hear(confirms, spec.Basic.Ack(3))


async def test_confirm_that_is_cut_short_is_an_error():
    """There is no telling what it is for."""
    confirms = Confirms(Channel(1))
    for size in range(4, 13):
        with pytest.raises(FrameError, match="an acknowledgement is cut short"):
            confirms.hear(METHOD, payload(spec.Basic.Ack(1))[:size])
