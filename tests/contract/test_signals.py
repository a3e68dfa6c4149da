"""What is promised of signals and calls, on every backend: at most once, to everyone who listens."""

import asyncio
import math
from typing import Any

import pytest
from support import unique, until

from microagent import (
    MicroAgent,
    NoReceivers,
    RemoteError,
    Signal,
    SignalNotFound,
    SignalSerializingError,
    receiver,
)
from microagent.channel import Channel

USER = {"type": "object", "properties": {"user_id": {"type": "integer"}}, "required": ["user_id"]}


def listener(signal: Signal, **options: Any) -> tuple[type[MicroAgent], list[dict[str, Any]]]:
    """An agent class that keeps the arguments of a signal, and the list it keeps them in."""
    got: list[dict[str, Any]] = []

    class Listener(MicroAgent):
        @receiver(signal, **options)
        async def hear(self, **arguments: Any) -> None:
            got.append(arguments)

    return Listener, got


def answerer(signal: Signal, answer: Any) -> type[MicroAgent]:
    """An agent class that answers calls of a signal."""

    class Answerer(MicroAgent):
        @receiver(signal)
        async def reply(self, **arguments: Any) -> Any:
            return answer(**arguments) if callable(answer) else answer

    return Answerer


async def test_signal_reaches_every_receiver_of_every_process(backend, signal_name):
    """Everyone who listens gets the signal, with its arguments, the signal itself and the sender."""
    signal = Signal(signal_name, ["user_id"])
    cls, got = listener(signal)
    await backend.listen(cls)
    await backend.listen(cls)
    await backend.bus()[signal_name].send("user_agent", user_id=1)
    await until(lambda: len(got) == 2)
    assert got == [{"signal": signal, "sender": "user_agent", "user_id": 1}] * 2


async def test_receiver_hears_many_signals(backend):
    """One handler may receive several signals, several handlers one signal."""
    first, second = Signal(unique("signal")), Signal(unique("signal"))
    got: list[tuple[str, str]] = []

    class Listener(MicroAgent):
        @receiver(first, second)
        async def both(self, signal: Signal, sender: str) -> None:
            got.append(("both", signal.name))

        @receiver(first)
        async def one(self, signal: Signal, sender: str) -> None:
            got.append(("one", signal.name))

    agent = await backend.listen(Listener)
    await agent.bus[first.name].send("x")
    await agent.bus[second.name].send("x")
    await until(lambda: len(got) == 3)
    assert sorted(got) == sorted([("both", first.name), ("one", first.name), ("both", second.name)])


async def test_handlers_start_in_order_of_arrival(backend, signal_name):
    """The signals of one sender are handled in the order in which they were sent."""
    cls, got = listener(Signal(signal_name, ["number"]))
    await backend.listen(cls)
    bus = backend.bus()
    for number in range(300):
        await bus[signal_name].send("x", number=number)
    await until(lambda: len(got) == 300)
    assert [arguments["number"] for arguments in got] == list(range(300))


@pytest.mark.parametrize("body", [b"not json", b"\xff", b"[]", b"", b"[" * 100_000])
async def test_signal_that_makes_no_sense_is_dropped(backend, signal_name, body, caplog):
    """It is one log line, and the next signal is handled."""
    cls, got = listener(Signal(signal_name))
    await backend.listen(cls)
    bus = backend.bus()
    await bus.send(f"{bus.prefix}:{signal_name}:x", body)
    await bus[signal_name].send("x")
    await until(lambda: got)
    assert len([record for record in caplog.records if "cannot be read" in record.getMessage()]) == 1


async def test_misfit_is_dropped_by_a_strict_receiver_and_heard_by_others(backend, signal_name, caplog):
    """``validate='strict'`` drops what does not fit its declaration; by default it is a warning."""
    signal = Signal(signal_name, payload=USER)
    strict, dropped = listener(signal)
    default, heard = listener(signal)
    await backend.listen(strict, validate="strict")
    await backend.listen(default)
    bus = backend.bus(validate="off")
    await bus[signal_name].send("x", user_id="1")
    await bus[signal_name].send("x", user_id=2)
    await until(lambda: len(heard) == 2 and len(dropped) == 1)
    assert [arguments["user_id"] for arguments in heard] == ["1", 2]
    assert [arguments["user_id"] for arguments in dropped] == [2]


async def test_new_arguments_do_not_break_old_receivers(backend, signal_name):
    """Arguments that a receiver's declaration does not know reach its ``**kwargs``, strict or not."""
    cls, got = listener(Signal(signal_name, payload=USER))
    agent = await backend.listen(cls, validate="strict")
    await agent.bus.send(f"{agent.bus.prefix}:{signal_name}:x", '{"user_id": 1, "email": "a@b.c"}')
    await until(lambda: got)
    assert got[0]["email"] == "a@b.c"


async def test_strict_sender_refuses_a_misfit(backend, signal_name):
    """Wrong, missing and unknown arguments are refused with a sentence that names them."""
    Signal(signal_name, payload=USER)
    bus = backend.bus(validate="strict")
    for arguments in ({"user_id": "1"}, {}, {"user_id": 1, "userid": 2}):
        with pytest.raises(SignalSerializingError, match=r"user_?id"):
            await bus[signal_name].send("x", **arguments)


@pytest.mark.parametrize("sender", ["a:b", "a#b", "a*", "a?", "[a]", "a b", "a\n", 1, None])
async def test_sender_that_would_break_a_channel_is_refused(backend, signal_name, sender):
    """A sender is a part of the channel's name."""
    Signal(signal_name)
    bus = backend.bus()
    with pytest.raises(SignalSerializingError, match="sender"):
        await bus[signal_name].send(sender)
    with pytest.raises(SignalSerializingError, match="sender"):
        await bus[signal_name].call(sender)


@pytest.mark.parametrize("value", [math.inf, {1}, object()])
async def test_what_json_cannot_say_is_not_sent(backend, signal_name, value):
    """``send`` raises and names the signal."""
    Signal(signal_name, ["value"])
    with pytest.raises(SignalSerializingError, match=signal_name):
        await backend.bus()[signal_name].send("x", value=value)


async def test_unknown_signal_is_named(backend):
    """A signal that nobody declares is an error that says so."""
    with pytest.raises(SignalNotFound, match="no_such_signal"):
        await backend.bus().no_such_signal.send("x")


async def test_prefixes_keep_projects_apart(backend, signal_name):
    """Buses of other prefixes on the same server hear nothing of each other."""
    cls, got = listener(Signal(signal_name, ["project"]))
    await backend.listen(cls, prefix="one")
    await backend.listen(cls, prefix="two")
    await backend.bus(prefix="one")[signal_name].send("x", project="one")
    await backend.bus(prefix="two")[signal_name].send("x", project="two")
    await until(lambda: len(got) == 2)
    assert sorted(arguments["project"] for arguments in got) == ["one", "two"]


async def test_large_signal(backend, signal_name):
    """Arguments of 5 MB arrive as they were sent."""
    cls, got = listener(Signal(signal_name, ["text"]))
    await backend.listen(cls)
    text = "ü" * 2_500_000
    await backend.bus()[signal_name].send("x", text=text)
    await until(lambda: got)
    assert got[0]["text"] == text


@pytest.mark.parametrize("value", [None, 0, 1.5, "text", True, [1, [2]], {"a": {"b": None}}])
async def test_call_gives_what_the_handler_returned(backend, signal_name, value):
    """The answer is ``{"Class.method": value}``, of any JSON value."""
    await backend.listen(answerer(Signal(signal_name), value))
    assert await backend.bus()[signal_name].call("x", timeout=10) == {"Answerer.reply": value}


async def test_reply_holds_all_handlers_of_a_process(backend, signal_name):
    """One reply for each process, with the values of all its handlers."""
    signal = Signal(signal_name, ["number"])

    class Two(MicroAgent):
        @receiver(signal)
        async def double(self, number: int, **kwargs: Any) -> int:
            return number * 2

        @receiver(signal)
        async def square(self, number: int, **kwargs: Any) -> int:
            return number * number

    await backend.listen(Two)
    assert await backend.bus()[signal_name].call("x", number=5) == {"Two.double": 10, "Two.square": 25}


async def test_waiter_iterates_the_replies_of_all_processes(backend, signal_name):
    """``waiter`` gives one reply after the other, and ends quietly at its timeout."""
    signal = Signal(signal_name)
    await backend.listen(answerer(signal, 1))
    await backend.listen(answerer(signal, 2))
    replies = []
    async with backend.bus()[signal_name].waiter("x", timeout=0.5) as waiting:
        async for reply in waiting:
            replies.append(reply)
    assert sorted(reply["Answerer.reply"] for reply in replies) == [1, 2]


async def test_call_takes_the_first_reply(backend, signal_name):
    """Of several processes, the one that replies first is heard; the others' replies are dropped."""
    signal = Signal(signal_name)
    gate = asyncio.Event()

    class Slow(MicroAgent):
        @receiver(signal)
        async def reply(self, **kwargs: Any) -> str:
            await gate.wait()
            return "slow"

    await backend.listen(Slow)
    await backend.listen(answerer(signal, "quick"))
    bus = backend.bus()
    assert await bus[signal_name].call("x") == {"Answerer.reply": "quick"}
    gate.set()
    assert len(bus._calls) == 0


@pytest.mark.needs("receivers counted")
async def test_call_that_nobody_hears_fails_at_once(backend, signal_name):
    """Where the backend can tell, ``NoReceivers`` comes without waiting."""
    Signal(signal_name)
    with pytest.raises(NoReceivers, match=signal_name):
        await asyncio.wait_for(backend.bus()[signal_name].call("x", timeout=60), 10)


async def test_stopped_agent_hears_nothing(backend, signal_name):
    """After ``stop`` nobody listens any more."""
    signal = Signal(signal_name)
    keeper = await backend.listen(answerer(signal, "kept"))
    agent = await backend.start(answerer(signal, "stopped")(bus=keeper.bus))
    await agent.stop()
    assert await keeper.bus[signal_name].call("x") == {"Answerer.reply": "kept"}
    await keeper.stop()
    with pytest.raises(NoReceivers):
        await backend.bus()[signal_name].call("x")


async def test_call_without_an_answer_times_out(backend, signal_name):
    """``TimeoutError`` names the signal; a reply that comes later is dropped."""
    signal = Signal(signal_name)
    gate = asyncio.Event()

    class Slow(MicroAgent):
        @receiver(signal)
        async def reply(self, **kwargs: Any) -> int:
            await gate.wait()
            return 1

    await backend.listen(Slow)
    bus = backend.bus()
    with pytest.raises(TimeoutError, match=signal_name):
        await bus[signal_name].call("x", timeout=0.5)
    gate.set()
    assert await bus[signal_name].call("x") == {"Slow.reply": 1}


async def test_failed_handlers_are_told_to_the_caller(backend, signal_name):
    """When every handler of the reply failed, ``RemoteError`` says which and how."""
    signal = Signal(signal_name)

    class Failing(MicroAgent):
        @receiver(signal)
        async def reply(self, **kwargs: Any) -> None:
            raise LookupError("no such user")

    await backend.listen(Failing)
    with pytest.raises(RemoteError, match="no such user") as raised:
        await backend.bus()[signal_name].call("x")
    assert raised.value.errors == {"Failing.reply": "LookupError: no such user"}


async def test_one_handler_that_succeeds_is_an_answer(backend, signal_name):
    """A failed handler beside one that succeeds has no value."""
    signal = Signal(signal_name)

    class Mixed(MicroAgent):
        @receiver(signal)
        async def good(self, **kwargs: Any) -> int:
            return 1

        @receiver(signal)
        async def bad(self, **kwargs: Any) -> int:
            raise ValueError

    await backend.listen(Mixed)
    assert await backend.bus()[signal_name].call("x") == {"Mixed.good": 1}


async def test_answer_that_json_cannot_say_is_an_error(backend, signal_name):
    """The caller learns of it at once."""
    await backend.listen(answerer(Signal(signal_name), lambda **_: {1, 2}))
    with pytest.raises(RemoteError, match=r"Answerer\.reply"):
        await backend.bus()[signal_name].call("x")


async def test_timeout_of_a_handler_is_told_to_the_caller(backend, signal_name):
    """A handler that passes its own timeout is a failed one."""
    signal = Signal(signal_name)

    class Slow(MicroAgent):
        @receiver(signal, timeout=0.05)
        async def reply(self, **kwargs: Any) -> None:
            await asyncio.Event().wait()

    await backend.listen(Slow)
    with pytest.raises(RemoteError, match="TimeoutError"):
        await backend.bus()[signal_name].call("x")


async def test_older_caller_gets_null_for_an_error(backend, signal_name):
    """A caller whose request id does not ask for errors gets ``null`` in their place, and its id as it was."""
    signal = Signal(signal_name)

    class Mixed(MicroAgent):
        @receiver(signal)
        async def good(self, **kwargs: Any) -> int:
            return 1

        @receiver(signal)
        async def bad(self, **kwargs: Any) -> int:
            raise ValueError

    await backend.listen(Mixed)
    bus = backend.bus()
    heard: list[tuple[str | None, bytes]] = []
    bus._calls.reply = lambda channel, body: heard.append((channel.request_id, body))  # type: ignore[method-assign]
    await bus.bind("response")
    await bus.send(str(Channel(bus.prefix, signal_name, "x", "0123abcd")), "{}")
    await until(lambda: heard)
    request_id, body = heard[0]
    assert request_id == "0123abcd"
    assert body in (b'{"Mixed.good":1,"Mixed.bad":null}', b'{"Mixed.bad":null,"Mixed.good":1}')


async def test_no_more_than_a_hundred_handlers_run_at_once(backend, signal_name):
    """Up to 100 handlers of one receiver run at once, the others wait for their turn."""
    signal = Signal(signal_name)
    running = peak = done = 0
    gate = asyncio.Event()

    class Slow(MicroAgent):
        @receiver(signal)
        async def hear(self, **kwargs: Any) -> None:
            nonlocal running, peak, done
            running += 1
            peak = max(peak, running)
            await gate.wait()
            running -= 1
            done += 1

    agent = await backend.listen(Slow)
    for _ in range(250):
        await agent.bus[signal_name].send("x")
    await until(lambda: running == 100)
    gate.set()
    await until(lambda: done == 250)
    assert peak == 100


async def test_nothing_stays_behind_a_call(backend, signal_name):
    """Answered, failed, timed out and cancelled calls leave no task and no entry."""
    signal = Signal(signal_name, ["number"])

    class Answerer(MicroAgent):
        @receiver(signal)
        async def reply(self, number: int, **kwargs: Any) -> int:
            if number == 3:
                await asyncio.sleep(0.2)
            return 1 // number

    await backend.listen(Answerer)
    bus = backend.bus()
    await bus[signal_name].call("x", number=1)
    await until(lambda: len(bus._outbox) == 0)
    for _ in range(20):
        await bus[signal_name].call("x", number=1)
        with pytest.raises(RemoteError):
            await bus[signal_name].call("x", number=0)
    with pytest.raises(TimeoutError):
        await bus[signal_name].call("x", number=3, timeout=0.05)
    task = asyncio.create_task(bus[signal_name].call("x", number=3))
    await until(lambda: len(bus._calls) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(bus._calls) == 0


async def test_bus_is_used_without_agents_and_again_after_close(backend, signal_name):
    """A bus opens at its first use, closes, and opens again when it is used again."""
    cls, got = listener(Signal(signal_name))
    await backend.listen(cls)
    async with backend.bus() as bus:
        await bus[signal_name].send("x")
    await bus[signal_name].send("x")
    await until(lambda: len(got) == 2)


async def test_raw_messages_pass(backend, signal_name):
    """``send``, ``call`` and ``receiver`` of the bus itself take whole channel names and serialized messages."""
    await backend.listen(answerer(Signal(signal_name, ["number"]), lambda number, **_: number))
    bus = backend.bus()
    async with bus.call(f"{bus.prefix}:{signal_name}:x", '{"number": 7}', timeout=10) as replies:
        async for reply in replies:
            assert reply == {"Answerer.reply": 7}
            break
    cls, got = listener(Signal(unique("signal")))
    agent = await backend.listen(cls)
    (name,) = agent.bus.receivers
    await agent.bus.receiver(f"{agent.bus.prefix}:{name}:someone", "{}")
    await until(lambda: [arguments["sender"] for arguments in got] == ["someone"])
