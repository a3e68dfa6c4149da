"""This project, with its default settings, on any of its backends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FunctionType
from typing import Any

from microagent import MicroAgent, Queue, Signal, consumer, receiver
from microagent.backends import make_broker, make_bus
from microagent.dsn import BACKENDS, DSN
from microagent.tools.local.folder import Folder
from microagent.tools.local.store import Store
from peers.base import Handler, Peer

PAYLOAD = {
    "type": "object",
    "properties": {
        "user_id": {"type": "integer"},
        "name": {"type": "string"},
        "email": {"type": "string"},
        "tags": {"type": "string"},
        "at": {"type": "number"},
    },
    "required": ["user_id", "name", "email", "tags", "at"],
}


class Ours(Peer):
    def __init__(self, dsn: str, tag: str) -> None:
        super().__init__(dsn, tag)
        self._signal = Signal(f"signal_{tag}", payload=PAYLOAD)
        self._queue = Queue(f"queue_{tag}", payload=PAYLOAD)
        self._bus = make_bus({"dsn": dsn if BACKENDS[DSN.parse(dsn).scheme].bus else "memory://"})
        self._broker = make_broker({"dsn": dsn})
        self._sent, self._queued = self._bus[self._signal.name], self._broker[self._queue.name]

    async def close(self) -> None:
        await self._bus.close()
        await self._broker.close()

    async def publish(self, message: dict[str, Any]) -> None:
        await self._sent.send("bench", **message)

    async def call(self, message: dict[str, Any]) -> None:
        await self._sent.call("bench", **message)

    async def enqueue(self, message: dict[str, Any]) -> None:
        await self._queued.send(message)

    @asynccontextmanager
    async def hearing(self, handle: Handler) -> AsyncIterator[None]:
        class Hears(MicroAgent):
            @receiver(self._signal)
            async def hear(self, at: float, **kwargs: Any) -> None:
                await handle(at)

        async with _running(Hears(bus=self._bus)):
            yield

    @asynccontextmanager
    async def hearing_many(self, handle: Handler, count: int) -> AsyncIterator[None]:
        async def hear(self: MicroAgent, at: float, **kwargs: Any) -> None:
            await handle(at)

        others = [Signal(f"{self._signal.name}_{number}", payload=PAYLOAD) for number in range(1, count)]
        receivers = {f"hear_{n}": _copied(hear, signal) for n, signal in enumerate((self._signal, *others))}
        many: type[MicroAgent] = type("Many", (MicroAgent,), receivers)
        async with _running(many(bus=self._bus)):
            yield

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        class Answers(MicroAgent):
            @receiver(self._signal)
            async def answer(self, at: float, **kwargs: Any) -> float:
                return at

        async with _running(Answers(bus=self._bus)):
            yield

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        options = {} if concurrency is None else {"concurrency": concurrency}

        class Consumes(MicroAgent):
            @consumer(self._queue, **options)
            async def consume(self, at: float, **kwargs: Any) -> None:
                await handle(at)

        async with _running(Consumes(broker=self._broker)):
            yield

    def decode(self, body: bytes) -> Any:
        message = self._queue.decode(body)
        assert self._queue.problem(message, sending=False) is None
        return message

    def stock(self, count: int, body: bytes) -> None:
        """Into the file of ``local://``, a thousand to a transaction."""
        folder = Folder.open(self.dsn.removeprefix("local://"))
        store = Store(folder, "bench", "NORMAL")
        for _ in range(count // 1000):
            with store.transaction(durable=False):
                store.push([(self._queue.name, body, None)] * 1000)
        store.close()
        folder.close()


def _copied(function: FunctionType, signal: Signal) -> Any:
    """A receiver of its own."""
    copy = FunctionType(function.__code__, function.__globals__, function.__name__, None, function.__closure__)
    copy.__annotations__ = function.__annotations__
    return receiver(signal)(copy)


@asynccontextmanager
async def _running(agent: MicroAgent) -> AsyncIterator[None]:
    await agent.start()
    try:
        yield
    finally:
        await agent.stop()


peer = Ours
