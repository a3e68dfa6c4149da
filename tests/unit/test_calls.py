"""Calls over signals: their request ids, and who waits for which replies."""

import asyncio
import itertools
import json
import logging
import random

import pytest
from support import until

from microagent import NoReceivers, RemoteError, SerializingError
from microagent import calls as calls_module
from microagent.calls import MOST, Calls, Reply, Waiter
from microagent.channel import Channel

log = logging.getLogger("test.calls")
processes = itertools.count()


@pytest.fixture
def calls():
    return Calls("uid", log)


def waiter(calls, *replies, timeout=5.0):
    """A waiter whose call is answered with ``replies`` as soon as it is published."""

    async def publish(request_id):
        for reply in replies:
            calls.reply(Channel("P", "response", f"process {next(processes)}", request_id), reply)
        return len(replies)

    return Waiter(calls, publish, timeout)


def body(**values):
    return json.dumps(values).encode()


# -- replies


def test_reply_of_values_is_their_object():
    """Any JSON values, as in all versions of the wire format."""
    reply = Reply({"A.f": 1, "B.g": [None, "x"]})
    assert json.loads(reply.encode("other.1")) == {"A.f": 1, "B.g": [None, "x"]}
    assert Reply.decode(reply.encode("other.1")) == reply


def test_errors_are_told_to_who_understands_them():
    """A failed handler then has no value."""
    reply = Reply({"A.f": 1}, {"B.g": "ValueError: no"})
    assert json.loads(reply.encode("uid.1~2")) == {"A.f": 1, "#errors": {"B.g": "ValueError: no"}}
    assert Reply.decode(reply.encode("uid.1~2")) == reply


def test_older_caller_gets_null_for_an_error():
    """As 1.x peers say it."""
    reply = Reply({"A.f": 1}, {"B.g": "ValueError: no"})
    assert json.loads(reply.encode("an-id-of-1.x")) == {"A.f": 1, "B.g": None}


@pytest.mark.parametrize("garbage", [b"", b"[1]", b"1", b"{", b"\xff", b"null", b'{"#errors": 1}', b'{"#errors": []}'])
def test_what_is_no_reply_is_refused(garbage):
    """Replies come from outside."""
    with pytest.raises(SerializingError):
        Reply.decode(garbage)


# -- who waits


async def test_request_id_tells_whose_and_which(calls):
    """It begins with the caller's uid, is never the same, and says that errors are understood."""
    ids = []
    for _ in range(3):
        async with waiter(calls) as replies:
            ids.append(replies._request_id)
    assert ids == ["uid.1~2", "uid.2~2", "uid.3~2"]


async def test_waiter_iterates_replies_and_ends_quietly(calls):
    """In the order of their arrival; the end is its timeout."""
    async with waiter(calls, body(a=1), body(b=2), timeout=0.02) as replies:
        assert [reply async for reply in replies] == [{"a": 1}, {"b": 2}]
    assert len(calls) == 0


async def test_waiter_that_nobody_has_entered_is_not_iterated(calls):
    """Or nothing would be sent, and nothing would tell."""
    refused = "nothing is asked yet: write 'async with"
    with pytest.raises(TypeError, match=refused):
        async for _ in waiter(calls, body(a=1)):
            pass
    with pytest.raises(TypeError, match=refused):
        await anext(waiter(calls, body(a=1)))
    with pytest.raises(TypeError, match=refused):
        await waiter(calls, body(a=1)).first("signal")


async def test_process_in_which_all_failed_gives_no_reply_to_iterate(calls):
    """Nothing is there to be used; what succeeded beside a failure is."""
    failed = b'{"#errors": {"A.f": "ValueError: no"}}'
    mixed = b'{"B.g": 1, "#errors": {"A.f": "ValueError: no"}}'
    async with waiter(calls, failed, mixed, b"{}", timeout=0.02) as replies:
        assert [reply async for reply in replies] == [{"B.g": 1}, {}]


async def test_first_reply(calls):
    """``call`` takes it."""
    async with waiter(calls, body(a=1), body(b=2)) as replies:
        assert replies.receivers == 2
        assert await replies.first("count") == {"a": 1}


async def test_no_first_reply(calls):
    """The error names the signal and the time."""
    async with waiter(calls, timeout=0.02) as replies:
        with pytest.raises(TimeoutError, match=r"no answer to signal 'count' within 0\.02 s"):
            await replies.first("count")


async def test_first_reply_that_is_failures_alone(calls):
    """All of them are told."""
    failed = b'{"#errors": {"B.g": "KeyError: x", "A.f": "ValueError: no"}}'
    async with waiter(calls, failed) as replies:
        with pytest.raises(RemoteError, match=r"A\.f: ValueError: no; B\.g: KeyError: x") as caught:
            await replies.first("count")
    assert caught.value.errors == {"A.f": "ValueError: no", "B.g": "KeyError: x"}


@pytest.mark.parametrize("garbage", [b"[]", b"\xff", b"", b"[" * 100_000])
async def test_reply_that_makes_no_sense_is_dropped(calls, garbage, caplog):
    """With a line in the log; the next one counts."""
    async with waiter(calls, garbage, body(a=1)) as replies:
        assert await replies.first("count") == {"a": 1}
    assert "A reply that makes no sense is dropped" in caplog.text


async def test_reply_to_nobody_is_dropped(calls, caplog):
    """Late, forged, or without an id: nothing happens."""
    async with waiter(calls, body(a=1)) as replies:
        await replies.first("count")
        known = replies._request_id
    for request_id in (known, "other.1~2", "", None):
        calls.reply(Channel("P", "response", "process", request_id), body(a=2))
    assert caplog.records == []
    assert len(calls) == 0


async def test_call_that_cannot_be_published_waits_for_nothing(calls):
    """The error is the caller's."""

    async def publish(request_id):
        raise ConnectionError("away")

    with pytest.raises(ConnectionError):
        await Waiter(calls, publish, 5).__aenter__()
    assert len(calls) == 0


async def test_caller_that_is_cancelled_waits_for_nothing(calls):
    """Neither while it publishes nor while it waits."""

    async def call(publish):
        async with Waiter(calls, publish, 60) as replies:
            await replies.first("count")

    async def at_once(request_id):
        return 1

    async def never(request_id):
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(call(publish)) for publish in (at_once, never)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(calls) == 2
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    assert len(calls) == 0


async def test_a_thousand_calls_get_their_own_replies(calls):
    """In whichever order they come."""
    asked: list[str] = []

    async def publish(request_id):
        asked.append(request_id)
        return 1

    async def call():
        async with Waiter(calls, publish, 30) as replies:
            return replies._request_id, await replies.first("count")

    tasks = [asyncio.create_task(call()) for _ in range(1_000)]
    await until(lambda: len(asked) == 1_000)
    for request_id in random.Random(7).sample(asked, len(asked)):
        calls.reply(Channel("P", "response", "process", request_id), body(id=request_id))
    answers = await asyncio.gather(*tasks)
    assert all(reply == {"id": request_id} for request_id, reply in answers)
    assert len(calls) == 0


async def test_replies_that_nobody_reads_are_bounded(calls):
    """However many processes claim to have been called."""
    async with waiter(calls, *[b"{}"] * (MOST + 10)) as replies:
        assert len(replies._replies) == MOST


async def test_process_replies_once(calls):
    """What it says twice counts once."""
    async with waiter(calls) as replies:
        for number in range(3):
            calls.reply(Channel("P", "response", "process", "uid.1~2"), body(n=number))
        assert await replies.first("signal") == {"n": 0}
        assert not replies._replies


# -- who asks


@pytest.fixture
async def asking(calls):
    """Somebody who waits for the first reply to a call, whose sending is decided by the test."""
    sending = asyncio.get_running_loop().create_future()

    async def publish(request_id):
        raise AssertionError("it was begun")

    asker = Waiter(calls, publish, 5.0, lambda request_id, loop: sending)
    task = asyncio.create_task(asker.ask("count"))
    await asyncio.sleep(0)
    yield asker, sending, task
    task.cancel()
    await asyncio.wait([task])
    assert len(calls) == 0


async def test_who_asks_is_woken_by_the_reply(calls, asking):
    """Whether the server has told whom the call has reached, or not yet."""
    asker, sending, task = asking
    sending.set_result(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not task.done()
    calls.reply(Channel("P", "response", "process", asker._request_id), body(a=1))
    assert await task == {"a": 1}
    assert asker.receivers == 1


async def test_who_asks_is_told_that_nobody_listens(asking):
    """At once, and not at the timeout."""
    _, sending, task = asking
    sending.set_result(0)
    with pytest.raises(NoReceivers, match="nobody listens to signal 'count'"):
        await task


async def test_who_asks_is_told_that_the_call_cannot_be_sent(asking):
    """The error is the caller's."""
    _, sending, task = asking
    sending.set_exception(ConnectionError("away"))
    with pytest.raises(ConnectionError, match="away"):
        await task


async def test_call_that_is_not_sent_in_time_is_not_sent_later(calls):
    """The error says so, and so does that of one that is sent and not answered."""
    sendings = [asyncio.get_running_loop().create_future() for _ in range(2)]
    sendings[1].set_result(None)
    asked = [Waiter(calls, None, 0.02, lambda *_, sending=sending: sending).ask("count") for sending in sendings]
    errors = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(error) for error in errors] == [
        "the call could not be sent within 0.02 s",
        "no answer to signal 'count' within 0.02 s",
    ]
    assert sendings[0].cancelled()


async def test_each_call_ends_at_its_own_deadline(calls):
    """In whichever order they began; one timer is enough for all."""
    loop = asyncio.get_running_loop()

    async def seconds(timeout):
        began = loop.time()
        async with waiter(calls, timeout=timeout) as replies:
            assert await replies.next_reply() is None
        return loop.time() - began

    timeouts = (0.06, 0.02, 0.04)
    lasted = await asyncio.gather(*map(seconds, timeouts))
    assert all(each >= timeout for each, timeout in zip(lasted, timeouts, strict=True))
    assert calls._timer is None


async def test_a_timer_outlasts_calls_and_is_forgotten_at_rest(calls):
    """A lone call after the other needs one; while somebody waits, it stays."""
    async with waiter(calls, timeout=60):
        timer = calls._timer
    async with waiter(calls, timeout=60):
        assert calls._timer is timer
        calls.rest()
        assert not timer.cancelled()
    calls.rest()
    assert timer.cancelled()
    assert calls._timer is None


def test_calls_of_another_loop_end_in_time(calls):
    """Though a timer of the last one is left."""

    async def call(timeout):
        async with waiter(calls, timeout=timeout) as replies:
            return await replies.next_reply() if timeout < 1 else None

    asyncio.run(call(60))
    assert asyncio.run(asyncio.wait_for(call(0.02), 5)) is None


async def test_the_loop_stays_awake_for_the_reply_to_a_lone_call(calls, monkeypatch):
    """Until it is there; of many calls, some have always come."""
    waits = []

    class Awake:
        def __init__(self, loop, awaits, longest):
            self.loop, self.awaits = loop, awaits

        def wait(self):
            waits.append(self.awaits)

    monkeypatch.setattr(calls_module, "Wakeful", Awake)
    sendings = [asyncio.get_running_loop().create_future() for _ in range(2)]
    askers = [Waiter(calls, None, 5.0, lambda *_, sending=sending: sending) for sending in sendings]
    tasks = [asyncio.create_task(asker.ask("count")) for asker in askers]
    await asyncio.sleep(0)
    assert [awaits() for awaits in waits] == [True]
    for asker in askers:
        calls.reply(Channel("P", "response", "process", asker._request_id), body(a=1))
    assert [awaits() for awaits in waits] == [False]
    assert await asyncio.gather(*tasks) == [{"a": 1}] * 2


async def test_nobody_is_woken_by_what_became_of_a_call_that_is_answered(calls, asking):
    """It is given up with the call."""
    asker, sending, task = asking
    calls.reply(Channel("P", "response", "process", asker._request_id), body(a=1))
    assert await task == {"a": 1}
    assert sending.cancelled()
    assert asker.receivers is None


async def test_nothing_more_comes_after_the_end(calls):
    """Whoever iterates a waiter that was left does not wait for ever."""
    async with waiter(calls, timeout=3600) as replies:
        pass
    assert [reply async for reply in replies] == []
