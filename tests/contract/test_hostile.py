"""What may arrive on the wire: each is one line of the log and at most a dead letter, and the next one is handled."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from contract.places import KAFKA_LACKS
from support import unique, until

from microagent import BackendError, Delivery, MicroAgent, Queue, Signal, consumer, receiver
from microagent.dispatch import RUNNING, WAITING
from microagent.tools.memory import MemoryBroker

SUITE = {
    name: body.encode("latin-1")
    for name, body in json.loads(Path(__file__).with_name("json_parsing_suite.json").read_text())["bodies"].items()
}
REFUSED = [body for name, body in SUITE.items() if name.startswith("n_")] + [b"[" * 100_000, b'[{"":' * 50_000, b""]
READ = [b'{"value":%s}' % body for name, body in SUITE.items() if name.startswith("y_")]
EITHER = [b'{"value":%s}' % body for name, body in SUITE.items() if name.startswith("i_")]
NO_OBJECTS = [body for name, body in SUITE.items() if name.startswith("y_") and b"{" not in body]
FORGERY = "x\nCRITICAL [pid#1] all is lost\r\x1b[2J\u2028\u202e\x85"
LONGEST_LINE = 2_200  # characters: 2,000 that are foreign, and what is said of them
OWN_NAMES = ["self", "signal", "sender", "delivery", "amqp", "kafka", "dto", "timeout", "args", "kwargs"]
STRANGE_NAMES = [
    "__class__",
    "__init__",
    "__dict__",
    "__import__",
    "__globals__",
    "class",
    "",
    "a b",
    "\n",
    "\u202e",
    "#errors",
]
BIG = 10_000_000  # bytes


def assert_lines(caplog: pytest.LogCaptureFixture, text: str, count: int | None = None) -> None:
    """Of our own lines, ``count`` have ``text`` in them; none is longer or more than a line."""
    records = [record for record in caplog.records if record.name.startswith("microagent")]
    lines = [record.getMessage() for record in records]
    assert [line[:200] for line in lines if not line.isprintable() or len(line) > LONGEST_LINE] == []
    if count is not None:
        assert sum(text in line for line in lines) == count


def taker(queue: Queue, got: list[Any]) -> type[MicroAgent]:
    class Taker(MicroAgent):
        @consumer(queue)
        async def take(agent, /, **message: Any) -> None:  # noqa: N805 - `self` is a key here
            got.append(message)

    return Taker


def hearer(signal: Signal, got: list[Any]) -> type[MicroAgent]:
    class Hearer(MicroAgent):
        @receiver(signal)
        async def hear(agent, /, **arguments: Any) -> None:  # noqa: N805 - arguments may be called 'self'
            got.append(arguments)

    return Hearer


async def test_bodies_of_a_json_parsing_suite_in_a_queue(backend, queue_name, caplog):
    """What is JSON and an object is handled, all else is a dead letter with its bytes unchanged."""
    got: list[dict[str, Any]] = []
    agent = await backend.consume(taker(Queue(queue_name), got))
    bodies = [*REFUSED, *NO_OBJECTS, *READ, *EITHER]
    await asyncio.gather(*(agent.broker.send(queue_name, body) for body in bodies))
    await agent.broker[queue_name].send({"good": True})
    broker, dead = agent.broker, Counter[bytes]()

    async def is_over() -> bool:
        nonlocal dead
        dead = Counter(letter.body for letter in await broker.dead(queue_name, 2_000))
        return len(got) + dead.total() == len(bodies) + 1

    await until(is_over, patience=60)
    assert {"good": True} in got
    assert dead - Counter(EITHER) == Counter([*REFUSED, *NO_OBJECTS])
    assert_lines(caplog, " is buried: ", dead.total())


async def test_bodies_of_a_json_parsing_suite_as_signals(backend, signal_name, caplog):
    """What is JSON and an object is heard, all else is dropped with a line."""
    got: list[dict[str, Any]] = []
    await backend.listen(hearer(Signal(signal_name), got))
    bus = backend.bus()
    bodies = [*REFUSED, *NO_OBJECTS, *READ]
    for body in bodies:
        await bus.send(f"{bus.prefix}:{signal_name}:x", body)
    await bus[signal_name].send("last")
    await until(lambda: got and got[-1]["sender"] == "last")
    assert len(got) == len(READ) + 1
    assert_lines(caplog, "cannot be read is dropped", len(REFUSED) + len(NO_OBJECTS))


async def test_last_of_doubled_keys_counts(backend, queue_name):
    """As nearly every reader of JSON has it."""
    got: list[dict[str, Any]] = []
    agent = await backend.consume(taker(Queue(queue_name), got))
    await agent.broker.send(queue_name, b'{"a": 1, "b": 2, "a": 3}')
    await until(lambda: got == [{"a": 3, "b": 2}])


async def test_messages_of_ten_megabytes(backend, queue_name, caplog):
    """Handled or buried as small ones are; where the server takes none so large, ``send`` says so."""
    got: list[dict[str, Any]] = []
    agent = await backend.consume(taker(Queue(queue_name), got))
    sent, refusals = 0, list[str]()
    for body in (b'{"text":"%s"}' % (b"x" * BIG), b'["%s"]' % (b"x" * BIG)):
        try:
            await agent.broker.send(queue_name, body)
            sent += 1
        except BackendError as refusal:
            refusals.append(str(refusal))
    await agent.broker[queue_name].send({"good": True})
    assert not refusals or (backend.lacks >= KAFKA_LACKS and all(map(str.isprintable, refusals)))
    await until(partial(_dead_count, agent.broker, queue_name, sent // 2), patience=60)
    await until(lambda: {"good": True} in got and len(got) == 1 + sent // 2, patience=60)
    assert_lines(caplog, " is buried: ", sent // 2)


async def test_message_of_a_million_keys(queue_name):
    """It is handled as any other."""
    queue, got = Queue(queue_name), list[int]()

    class Counting(MicroAgent):
        @consumer(queue, timeout=60)
        async def count(self, **message: Any) -> None:
            got.append(len(message))

    agent = Counting(broker=MemoryBroker())
    await agent.start()
    await agent.broker.send(queue_name, b"{%s}" % b",".join(b'"%d":0' % number for number in range(1_000_000)))
    await until(lambda: got == [1_000_000])
    await agent.stop()


async def _has_dead(broker: Any, name: str) -> bool:
    return bool(await broker.dead(name))


async def test_keys_named_as_what_a_handler_gets_from_elsewhere(backend, queue_name, caplog):
    """They cannot take its place: a handler that names ``delivery`` gets the delivery; keys of any name arrive."""
    seen: list[tuple[Any, dict[str, Any]]] = []
    queue = Queue(queue_name)

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, delivery: Delivery, **message: Any) -> None:
            seen.append((delivery, message))

    agent = await backend.consume(Taker)
    names = [name for name in OWN_NAMES if name != "self"] + STRANGE_NAMES
    await agent.broker.send(queue_name, json.dumps(dict.fromkeys(names, "forged")))
    await agent.broker.send(queue_name, b'{"self": "forged"}')
    await until(lambda: len(seen) == 1)
    await until(partial(_has_dead, agent.broker, queue_name))
    ((delivery, message),) = seen
    assert isinstance(delivery, Delivery)
    assert message == dict.fromkeys([name for name in names if name != "delivery"], "forged")
    (letter,) = await agent.broker.dead(queue_name)
    assert letter.reason == "it has a key 'self', which Taker.take cannot take: put a '/' after its first parameter"
    assert_lines(caplog, " is buried: ", 1)


async def test_keys_that_a_dto_cannot_take(backend, caplog):
    """Its class says so, in the dead letter."""
    queue = Queue(unique("queue"))
    got: list[Any] = []

    class Mail:
        def __init__(self, text: str) -> None:
            if text == "exit":
                raise SystemExit(1)
            self.text = text

    class Taker(MicroAgent):
        @consumer(queue, dto_class=Mail)
        async def take(self, dto: Mail) -> None:
            got.append(dto.text)

    agent = await backend.consume(Taker)
    bad = [{"self": 1}, {"dto": 1}, {"text": "a", "__class__": "x"}, {}, {"text": "exit"}, {FORGERY: 1}]
    for message in bad:
        await agent.broker.send(queue.name, json.dumps(message))
    await agent.broker[queue.name].send({"text": "good"})
    await until(partial(_dead_count, agent.broker, queue.name, len(bad)))
    await until(lambda: got == ["good"])
    assert all(letter.reason.isprintable() for letter in await agent.broker.dead(queue.name))
    assert_lines(caplog, " is buried: ", len(bad))


async def _dead_count(broker: Any, name: str, count: int) -> bool:
    return len(await broker.dead(name)) == count


async def test_arguments_named_as_what_a_receiver_gets_from_elsewhere(backend, signal_name):
    """``signal`` and ``sender`` are the true ones; any other arrives."""
    signal = Signal(signal_name)
    got: list[dict[str, Any]] = []
    await backend.listen(hearer(signal, got))
    bus = backend.bus()
    body = dict.fromkeys([*OWN_NAMES, *STRANGE_NAMES], "forged")
    await bus.send(f"{bus.prefix}:{signal_name}:x", json.dumps(body))
    await until(lambda: got)
    assert got == [{**body, "signal": signal, "sender": "x"}]


async def test_channels_that_make_no_sense(backend, signal_name, caplog):
    """Too few parts or too many, what cannot be seen, what a glob would match: the next signal is heard."""
    got: list[dict[str, Any]] = []
    await backend.listen(hearer(Signal(signal_name), got))
    bus = backend.bus()
    head = f"{bus.prefix}:{signal_name}"
    channels = [
        "", ":", "::", "#", "#:", f"{bus.prefix}:", f"{bus.prefix}::", f"{bus.prefix}::x", f"{bus.prefix}:response:",
        head, f"{head}:", f"{head}::", f"{head}:#", f"{head}:##", f"{head}:a:b", f"{head}:a#b#c", f"{head}:a#:b",
        f"{head}:*", f"{head}:[a]?", f"{head}:\\", f"{head}:{FORGERY}", f"{head}:x#{FORGERY}", f"{head}:\x00",
        f"{head}:{'x' * 50_000}", f"{bus.prefix}:*:x", f"{bus.prefix}:response:x#",
        f"{bus.prefix}:response:{FORGERY}#1",
    ]  # fmt: skip
    for channel in channels:
        with suppress(BackendError):  # a backend may refuse to carry it
            await bus._outbox.add((channel, b"{}"))
    await bus[signal_name].send("last")
    await until(lambda: got and got[-1]["sender"] == "last")
    assert all(arguments["sender"].isprintable() for arguments in got)
    assert_lines(caplog, "")


@pytest.mark.parametrize("prefix", ["*", "a*", "[ab]", "a?c", "a\\", "a:b", "a#b", "ü", " ", "{a}"])
async def test_prefix_of_any_characters_keeps_projects_apart(backend, signal_name, prefix):
    """What would be a pattern elsewhere is a name here."""
    got: list[dict[str, Any]] = []
    cls = hearer(Signal(signal_name), got)
    await backend.listen(cls, prefix=prefix)
    for other in ("abc", "a", "b", "aXc", "a\\x", "a:b:c", "a#", ""):
        await backend.bus(prefix=other)[signal_name].send("other")
    bus = backend.bus(prefix=prefix)
    await bus[signal_name].send("own")
    await until(lambda: got)
    assert [arguments["sender"] for arguments in got] == ["own"]
    assert await bus[signal_name].call("own", timeout=10) == {"Hearer.hear": None}


async def test_texts_of_errors_cannot_forge_a_line(backend, queue_name, caplog):
    """What a handler raises or says for a reason is one line of the log and of the dead letter, and cut."""
    queue = Queue(queue_name)

    class Repeating(MicroAgent):
        @consumer(queue, autoack=False)
        async def repeat(self, delivery: Delivery, text: str) -> None:
            if text.startswith("raise"):
                raise ValueError(text * 1_000)
            delivery.bury(text * 1_000 + "\ud800")

    agent = await backend.consume(Repeating)
    await agent.broker[queue_name].send({"text": f"raise {FORGERY}"})
    await agent.broker[queue_name].send({"text": FORGERY})
    await until(partial(_dead_count, agent.broker, queue_name, 2))
    letters = await agent.broker.dead(queue_name)
    assert all(letter.reason.isprintable() and len(letter.reason) < LONGEST_LINE for letter in letters)
    assert all("all is lost" in letter.reason for letter in letters)
    assert_lines(caplog, "Repeating.repeat (message ", 4)


@pytest.mark.parametrize("mode", ["warn", "strict"])
async def test_misfits_cannot_forge_a_line(backend, queue_name, mode, caplog):
    """Nor can keys and values that do not fit their declaration."""
    payload = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "s": {"enum": ["a"]}},
        "additionalProperties": {"type": "integer"},
    }
    got: list[dict[str, Any]] = []
    agent = await backend.consume(taker(Queue(queue_name, payload=payload), got), validate=mode)
    bad = [{"n": FORGERY * 1_000}, {"s": FORGERY * 1_000}, {FORGERY * 1_000: "x"}, {"s": [FORGERY] * 1_000}]
    for message in bad:
        await agent.broker.send(queue_name, json.dumps(message))
    await agent.broker[queue_name].send({"n": 1})
    await until(lambda: {"n": 1} in got)
    if mode == "strict":
        await until(partial(_dead_count, agent.broker, queue_name, len(bad)))
        assert all(letter.reason.isprintable() for letter in await agent.broker.dead(queue_name))
    else:
        await until(lambda: len(got) == len(bad) + 1)
    assert_lines(caplog, "fit its declaration", len(bad))


async def test_flood_of_signals_is_bounded(backend, signal_name, caplog):
    """Of what a stuck receiver cannot take, 10,000 wait; the rest is dropped and counted, and then it goes on."""
    signal = Signal(signal_name, ["number"])
    gate = asyncio.Event()
    got: list[int] = []

    class Stuck(MicroAgent):
        @receiver(signal)
        async def hear(self, number: int, **kwargs: Any) -> None:
            await gate.wait()
            got.append(number)

    agent = await backend.listen(Stuck)
    (lane,) = agent.bus._dispatch._lanes[signal_name]
    bus = backend.bus()
    for first in range(0, 3 * WAITING, 500):
        await asyncio.gather(*(bus[signal_name].send("x", number=number) for number in range(first, first + 500)))
        assert len(lane._waiting) <= WAITING + RUNNING
    await until(lambda: lane._dropped.total)
    gate.set()
    await until(lambda: not lane._waiting)
    await bus[signal_name].send("x", number=-1)
    await until(lambda: got[-1] == -1)
    assert len(got) <= WAITING + 101 + 1_000
    assert "is too slow" in caplog.text
