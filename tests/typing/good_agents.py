"""Handlers that fit their contracts, whichever way they name what they take."""

import asyncio
from typing import Any, assert_type

from contracts import Agent, Broker, Bus, MailerMessage_Sender, queues, signals

from microagent import CallNext, Delivery, MicroAgent, Run, Signal, consumer, cron, middleware, on, periodic, receiver


class Receivers(MicroAgent[Bus, Broker]):
    @receiver(signals.user_created)
    async def names_what_it_needs(self, user_id: int, **kwargs: object) -> None: ...

    @receiver(signals.user_created)
    async def takes_anything(self, **kwargs: Any) -> None: ...

    @receiver(signals.user_created)
    async def takes_all_by_name(self, signal: Signal, sender: str, user_id: int) -> None: ...

    @receiver(signals.user_created)
    async def takes_a_wider_type(self, user_id: int | str | None, **kwargs: object) -> None: ...

    @receiver(signals.user_created, timeout=10)
    async def has_a_parameter_of_its_own(self, user_id: int, verbose: bool = False, **kwargs: object) -> None: ...

    @receiver(signals.user_deleted)
    async def has_a_default(self, user_id: int, reason: str | None = None, **kwargs: object) -> None: ...

    @receiver(signals.rpc_comments_count)
    async def answers(self, user_id: int, **kwargs: object) -> int:
        return user_id * 2

    @receiver(signals.started)
    async def answers_what_nobody_declared(self, **kwargs: object) -> dict[str, int]:
        return {"answer": 42}

    @receiver(signals.comment_created)
    async def takes_null(self, comment_id: float | None, user_id: float, **kwargs: object) -> None: ...

    @receiver(signals.legacy)
    async def takes_untyped_arguments(self, user_id: int, text: str, **kwargs: object) -> None: ...

    @receiver(signals.labelled)
    async def takes_labels(self, id: int, signal: Signal, sender: str, **labels: str) -> None: ...

    @receiver(signals.user_created, signals.user_deleted)
    async def two(self, sender: str, user_id: int, reason: str = "", **kwargs: object) -> None: ...

    @receiver(
        signals.user_created,
        signals.user_deleted,
        signals.rpc_comments_count,
        signals.legacy,
        signals.started,
        signals.ended,
        signals.labelled,
        signals.order_paid,
    )
    async def eight(self, **kwargs: object) -> int:
        return 8

    @receiver(
        signals.user_created,
        signals.user_deleted,
        signals.rpc_comments_count,
        signals.legacy,
        signals.started,
        signals.ended,
        signals.labelled,
        signals.order_paid,
        signals.comment_created,
    )
    async def more_than_eight(self, **kwargs: object) -> int:
        return 9

    @receiver(signals.user_created)
    @receiver(signals.user_deleted)
    @periodic(60)
    async def stacked(self, **kwargs: object) -> None: ...


class Consumers(MicroAgent[Bus, Broker]):
    @consumer(queues.mailer)
    async def takes_the_message(
        self,
        text: str,
        email: str,
        cc: list[str] | None = None,
        sender: MailerMessage_Sender | None = None,
        **rest: object,
    ) -> None: ...

    @consumer(queues.pusher, timeout=5, concurrency=100)
    async def takes_a_free_structure(self, device: str, amqp: Any = None, **kwargs: Any) -> None: ...

    @consumer(queues.audit)
    async def names_the_keys_that_can_be_named(self, level: int, **kwargs: object) -> None: ...


class ConsumersOfDeliveries(MicroAgent[Bus, Broker]):
    @consumer(queues.mailer, autoack=False)
    async def may_be_called_without(self, text: str, delivery: Delivery | None = None, **kwargs: object) -> None: ...

    @consumer(queues.audit, autoack=False)
    async def delivery_first(self, delivery: Delivery, level: int, **kwargs: object) -> None:
        delivery.ack()

    @consumer(queues.pusher, autoack=False)
    async def of_a_free_structure(self, delivery: Delivery, **kwargs: object) -> None:
        delivery.ack()


class DeliveryFirst(MicroAgent[Bus, Broker]):
    @consumer(queues.mailer, autoack=False)
    async def with_the_message(self, delivery: Delivery, text: str, email: str, **kwargs: object) -> None:
        delivery.ack()


class Mail:
    def __init__(self, text: str, email: str, **rest: object) -> None: ...


class DataObjects(MicroAgent[Bus, Broker]):
    @consumer(queues.mailer, dto_class=Mail)
    async def by_the_usual_name(self, dto: Mail, **kwargs: object) -> None: ...

    @consumer(queues.audit, timeout=30, dto_class=dict, dto_name="entry")
    async def by_another_name(self, entry: dict[str, Any], **kwargs: object) -> None: ...


class Life(MicroAgent[Bus, Broker]):
    @on("pre_start")
    def setup(self) -> None: ...

    @on("post_start")
    async def greet(self) -> None:
        await self.bus.started.send("life")

    @on("server")
    async def serve(self) -> None:
        await asyncio.Event().wait()

    @periodic(period=3, timeout=10, start_after=2)
    async def tick(self) -> None: ...

    @cron("*/10 * * * *", timeout=10, tz="Europe/Berlin")
    async def report(self) -> int:
        return 1


class Observed(MicroAgent[Bus, Broker]):
    @middleware
    async def observe(self, run: Run, call_next: CallNext) -> Any:
        assert_type(run.delivery, Delivery | None)
        return await call_next()


class Subclass(Receivers):
    async def answers(self, user_id: int, **kwargs: object) -> int:
        return user_id * 3

    @receiver(signals.user_deleted)
    async def takes_anything(self, **kwargs: Any) -> None: ...


class BusAlone(MicroAgent[Bus]):
    @receiver(signals.user_created)
    async def relay(self, user_id: int, **kwargs: object) -> None:
        await self.bus.user_deleted.send("relay", user_id=user_id)
        await self.broker.anything.send({"user_id": user_id})


class Generated(Agent):
    async def go(self) -> None:
        await self.bus.user_created.send("generated", user_id=1)
        await self.broker.mailer.send({"text": "Hi", "email": "a@example.org"})


async def called_directly(agent: Receivers, life: Life) -> None:
    """A decorated method keeps its own signature."""
    await agent.has_a_parameter_of_its_own(1, verbose=True)
    assert_type(await agent.answers(1), int)
    assert_type(await asyncio.create_task(agent.answers(1)), int)
    assert_type(await agent.eight(), int)
    assert_type(await agent.more_than_eight(), int)
    assert_type(await agent.answers_what_nobody_declared(), dict[str, int])
    assert_type(await life.report(), int)
    life.setup()
