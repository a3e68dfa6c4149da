"""Many messages in one write on a channel of the driver's, as its own ``basic_publish`` would have sent them."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiormq import spec
from pamqp import body, frame, header
from support import until

from microagent.tools.amqp import messages
from microagent.tools.amqp.publishing import LARGEST_WRITE, publish
from microagent.tools.amqp.sending import Letter

PATIENCE = 10.0


class Channel:
    """What a channel of the driver's offers to those who write on it."""

    number = 7
    max_content_size = 1000

    def __init__(self, room=0):
        self.delivery_tag = 0
        self.confirmations = {}
        self.message_id_delivery_tag = {}
        self.write_queue = asyncio.Queue(room)
        self._lock = asyncio.Lock()

    @property
    @asynccontextmanager
    async def lock(self):
        async with self._lock:
            yield

    def create_future(self):
        return asyncio.get_running_loop().create_future()

    def written(self):
        """The frames of each write."""
        writes = []
        while not self.write_queue.empty():
            payload, frames = self.write_queue.get_nowait().payload, []
            while payload:
                size, number, found = frame.unmarshal(payload)
                assert number == self.number
                frames.append(found)
                payload = payload[size:]
            writes.append(frames)
        return writes


def letter(text=b"{}", **properties):
    return Letter("exchange", "key", text, messages.fresh(properties))


async def test_letters_share_a_write():
    """Method, header and body of each, in order, in one write; each has a confirm of its own."""
    channel = Channel()
    confirms = await publish(channel, [letter(b"1"), letter(b"", message_id="id"), letter(b"3")], PATIENCE)
    (frames,) = channel.written()
    kinds = [spec.Basic.Publish, header.ContentHeader, body.ContentBody]
    assert [type(each) for each in frames] == [*kinds, *kinds[:2], *kinds]
    assert (frames[0].exchange, frames[0].routing_key, frames[0].mandatory) == ("exchange", "key", True)
    assert frames[4].properties.message_id == "id"
    assert frames[1].properties.message_id != frames[6].properties.message_id
    assert channel.delivery_tag == 3
    assert channel.confirmations == dict(enumerate(confirms, 1))
    assert channel.message_id_delivery_tag["id"] == 2


async def test_names_are_written_as_texts():
    """Of any alphabet, and as long as AMQP's names can be."""
    channel, key = Channel(), "ü" * 127
    await publish(channel, [Letter("", key, b"", messages.fresh(None), mandatory=False)], PATIENCE)
    ((method, content),) = channel.written()
    assert (method.exchange, method.routing_key, method.mandatory, method.immediate) == ("", key, False, False)
    assert content.class_id == spec.Basic.frame_id


async def test_a_long_body_is_split():
    """Into frames as large as the server takes."""
    channel = Channel()
    await publish(channel, [letter(b"x" * 2500)], PATIENCE)
    (frames,) = channel.written()
    assert [len(each.value) for each in frames[2:]] == [1000, 1000, 500]
    assert frames[1].body_size == 2500


async def test_a_long_body_is_not_split_where_frames_have_no_limit():
    """Of a server that sets none, the driver subtracts the frame from nothing."""
    channel = Channel()
    channel.max_content_size = -8
    await publish(channel, [letter(b"x" * 2500), letter(b"")], PATIENCE)
    (frames,) = channel.written()
    assert [len(each.value) for each in frames if isinstance(each, body.ContentBody)] == [2500]


async def test_a_write_has_a_size():
    """Many large letters are written in several portions."""
    channel = Channel()
    await publish(channel, [letter(b"x" * (LARGEST_WRITE // 2)) for _ in range(6)], PATIENCE)
    assert len(channel.written()) == 2


async def test_what_was_confirmed_is_forgotten():
    """A confirm that has come leaves nothing behind on the channel."""
    channel = Channel()
    (confirm,) = await publish(channel, [letter()], PATIENCE)
    channel.confirmations.pop(1).set_result(None)
    await confirm
    await asyncio.sleep(0)
    assert channel.message_id_delivery_tag == {}


async def test_id_is_under_way_once():
    """The server names what it returns by it: the next message that has it waits for the confirm of the one before."""
    channel = Channel()
    task = asyncio.create_task(publish(channel, [letter(message_id="id"), letter(), letter(message_id="id")], PATIENCE))
    await until(lambda: len(channel.confirmations) == 2)
    assert len(channel.written()) == 1
    channel.confirmations.pop(1).set_result(None)
    await until(task.done)
    assert channel.message_id_delivery_tag["id"] == 3
    assert len(channel.written()) == 1


async def test_confirm_that_does_not_come_is_not_waited_for_for_ever():
    """Then it is sent all the same; the earlier one cannot take its id away when it is confirmed at last."""
    channel = Channel()
    first, second = await publish(channel, [letter(message_id="id"), letter(message_id="id")], 0.01)
    channel.confirmations.pop(1).set_result(None)
    await first
    await asyncio.sleep(0)
    assert channel.message_id_delivery_tag == {"id": 2}
    assert not second.done()


async def test_what_is_cancelled_before_it_is_written_was_not_counted():
    """The server numbers what it gets: a write that did not happen takes its numbers back."""
    channel = Channel(room=1)
    await publish(channel, [letter()], PATIENCE)
    task = asyncio.create_task(publish(channel, [letter(), letter()], PATIENCE))
    await until(lambda: channel.delivery_tag == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert channel.delivery_tag == 1
    assert list(channel.confirmations) == [1]
    assert len(channel.message_id_delivery_tag) == 1
