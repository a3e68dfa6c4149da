"""Sending, calling and waiting through generated buses and brokers."""

from typing import assert_type

from contracts import Broker, Bus, MailerMessage, OrderPaid, UserCreated

from microagent import AbstractQueueBroker, AbstractSignalBus, BoundQueue, BoundSignal, DeadLetter, MicroAgent


class UserAgent(MicroAgent[Bus, Broker]):
    async def work(self) -> None:
        await self.bus.started.send("user_agent")
        await self.bus.user_deleted.send("user_agent", user_id=1)
        await self.bus.user_deleted.send(sender="user_agent", user_id=1, reason="wished so")
        await self.bus.labelled.send("user_agent", id=1, colour="red", size="small")
        await self.bus.legacy.send("user_agent", user_id=object(), text=None)
        await self.broker.mailer.send({"text": "Hi", "email": "a@example.org"})
        assert_type(await self.broker.mailer.length(), int)
        letters = await self.broker.mailer.dead(limit=10)
        assert_type(letters, list[DeadLetter])
        assert_type(await self.broker.mailer.resend(*letters), int)
        assert_type(await self.broker.mailer.discard(letters[0]), int)

    async def ask(self) -> None:
        counts = await self.bus.rpc_comments_count.call("user_agent", user_id=1, timeout=5)
        assert_type(counts, dict[str, int])
        async with self.bus.rpc_comments_count.waiter("user_agent", user_id=1) as replies:
            async for reply in replies:
                assert_type(reply, dict[str, int])
                break


async def payloads(bus: Bus, broker: Broker) -> None:
    created: UserCreated = {"user_id": 1}
    await bus.user_created.send("main", **created)
    order: OrderPaid = {"number": "A1", "total": 1, "positions": [1, 2], "currency": "EUR"}
    await bus.order_paid.send("main", **order)
    await bus.order_paid.send(
        "main",
        number="A2",
        total=2.5,
        positions=[],
        currency="USD",
        customer={"name": "Ada", "address": {"city": "London", "zip": "W1"}},
    )
    message: MailerMessage = {"text": "Hi", "email": "a@example.org", "cc": [], "sender": {"name": "Ada"}}
    await broker.mailer.send(message, properties={"priority": 1}, headers={"traceparent": "00-ab-cd-01"})
    await broker.mailer.send(message, delay=30)
    await broker.mailer(message, delay=0.5, properties={"priority": 1})
    await broker.audit.send({"class": "login", "user-id": 1, "level": 2})
    await broker.pusher.send({"anything": ["goes"]})


async def without_an_agent(raw_bus: AbstractSignalBus, raw_broker: AbstractQueueBroker) -> None:
    async with Bus(raw_bus) as bus, Broker(raw_broker) as broker:
        assert_type(bus, Bus)
        assert_type(bus["any_name"], BoundSignal)
        assert_type(broker["any_name"], BoundQueue)
        await bus["any_name"].send("main", anything=1)
        await raw_bus.any_name.send("main", anything=1)
        await raw_broker.any_name.send({"anything": 1})
        assert_type(await raw_broker.any_name.resend(*await raw_broker.dead("any_name")), int)
        assert_type(await broker["any_name"].discard(*await broker["any_name"].dead()), int)
    await Bus(bus).close()


def given_a_face_or_a_backend(raw_bus: AbstractSignalBus, raw_broker: AbstractQueueBroker) -> None:
    agent = UserAgent(bus=raw_bus, broker=raw_broker)
    assert_type(agent.bus, Bus)
    assert_type(agent.broker, Broker)
    UserAgent(bus=Bus(raw_bus), broker=Broker(raw_broker), settings={"secret": "x"})
    UserAgent()
