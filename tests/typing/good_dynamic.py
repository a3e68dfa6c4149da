"""Agents without generated contracts: names that are loaded at run time, any argument, ``Any`` for what comes back."""

from typing import Any, assert_type

from contracts import queues as known_queues
from contracts import signals as known_signals

from microagent import (
    AbstractQueueBroker,
    AbstractSignalBus,
    MicroAgent,
    Queue,
    RetryPolicy,
    Signal,
    consumer,
    load_queues,
    load_signals,
    load_stuff,
    periodic,
    receiver,
)
from microagent.tools.local import LocalBroker, LocalSignalBus

signals, queues = load_stuff("file://schemas/all.json")
more_signals = load_signals("https://example.org/signals.json")
more_queues = load_queues("https://example.org/queues.json")
assert_type(signals.anything, Signal)
assert_type(queues.anything, Queue)


class Plain(MicroAgent):
    @receiver(signals.user_created, more_signals.user_deleted, timeout=5)
    async def receive(self, user_id: int, **kwargs: Any) -> None:
        assert_type(self.bus, AbstractSignalBus)
        assert_type(self.broker, AbstractQueueBroker)
        await self.bus.anything.send("plain", user_id=user_id, text="x")
        await self.broker.anything.send({"user_id": user_id})
        reply = await self.bus.anything.call("plain", user_id=user_id)
        assert_type(reply, dict[str, Any])
        async with self.bus.anything.waiter("plain", timeout=10) as replies:
            async for one in replies:
                assert_type(one, dict[str, Any])

    @receiver(signals.user_created, known_signals.user_created)
    async def loaded_and_generated(self, **kwargs: Any) -> None: ...

    @receiver(*signals)
    async def all_of_them(self, **kwargs: Any) -> int:
        return 1

    @consumer(queues.mailer, timeout=30, dto_class=dict, dto_name="mail", concurrency=5)
    async def consume(self, mail: dict[str, Any], **kwargs: Any) -> None: ...

    @consumer(queue=more_queues.pusher)
    async def consume_kafka(self, kafka: Any, **data: Any) -> None: ...

    @periodic(5)
    async def tick(self) -> None:
        assert_type(await self.all_of_them(), int)


class Known(MicroAgent):
    """Generated declarations serve an agent that is not generic as well."""

    @receiver(known_signals.user_created)
    async def receive(self, user_id: int, **kwargs: Any) -> None: ...

    @consumer(known_queues.mailer)
    async def consume(self, text: str, email: str, **kwargs: Any) -> None: ...


def ends() -> None:
    """A third party's consumer options are taken, as those of our own backends."""
    LocalSignalBus("local://", prefix="MINE", validate="strict", formats=True, send_timeout=5)
    LocalBroker("local://", synchronous="NORMAL", lease=10, retry=RetryPolicy(retries=5))
    consumer(queues.mailer, 30, concurrency=1, prefetch=None, autoack=False, retry=RetryPolicy(), group="copies")


def registry() -> None:
    assert_type(Signal.get("user_created"), Signal)
    assert_type(Queue.get("mailer"), Queue)
    Signal("by_hand", ["user_id"])
    Queue(name="by_hand")
