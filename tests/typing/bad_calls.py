"""Sending, calling and waiting that contracts refuse."""

from contracts import Broker, Bus, MailerMessage, signals

from microagent import AbstractSignalBus, MicroAgent


class Caller(MicroAgent[Bus, Broker]):
    async def send_signals(self) -> None:
        await self.bus.user_created.send("x", user_id=1)
        # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownMemberType]
        await self.bus.user_creatd.send("x", user_id=1)
        await self.bus.user_created.send("x", userid=1)  # E: mypy[call-arg] pyright[reportCallIssue]
        await self.bus.user_created.send("x", user_id="1")  # E: mypy[arg-type] pyright[reportArgumentType]
        await self.bus.user_created.send("x")  # E: mypy[call-arg] pyright[reportCallIssue]
        await self.bus.user_created.send("x", user_id=1, text="extra")  # E: mypy[call-arg] pyright[reportCallIssue]
        await self.bus.user_created.send(1, user_id=1)  # E: mypy[arg-type] pyright[reportArgumentType]
        await self.bus.user_created.send(user_id=1)  # E: mypy[call-arg] pyright[reportCallIssue]
        await self.bus.user_created.send("x", 1)  # E: mypy[call-arg] pyright[reportCallIssue]
        await self.bus.user_deleted.send("x", user_id=1, reason=None)  # E: mypy[arg-type] pyright[reportArgumentType]
        await self.bus.legacy.send("x", user_id=1)  # E: mypy[call-arg] pyright[reportCallIssue]
        await self.bus.labelled.send("x", id=1, colour=1)  # E: mypy[arg-type] pyright[reportArgumentType]
        await self.bus.started.send("x", user_id=1)  # E: mypy[call-arg] pyright[reportCallIssue]
        # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownMemberType]
        await self.bus.user_created.publish("x", user_id=1)

    async def send_nested(self) -> None:
        # E: mypy[arg-type] pyright[reportArgumentType]
        await self.bus.order_paid.send("x", number="A", total="1", positions=[], currency="EUR")
        # E: mypy[list-item] pyright[reportArgumentType]
        await self.bus.order_paid.send("x", number="A", total=1, positions=["1"], currency="EUR")
        # E: mypy[arg-type] pyright[reportArgumentType]
        await self.bus.order_paid.send("x", number="A", total=1, positions=[], currency="GBP")
        # E: mypy[typeddict-item,typeddict-unknown-key] pyright[reportArgumentType]
        await self.bus.order_paid.send("x", number="A", total=1, positions=[], currency="EUR", customer={"nam": "Ada"})

    async def send_messages(self) -> None:
        await self.broker.mailer.send({"text": "Hi", "email": "a@example.org"})
        # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownMemberType]
        await self.broker.mailr.send({"text": "Hi", "email": "a@example.org"})
        await self.broker.mailer.send({"text": "Hi"})  # E: mypy[typeddict-item] pyright[reportArgumentType]
        await self.broker.mailer.send({"text": "Hi", "email": 1})  # E: mypy[typeddict-item] pyright[reportArgumentType]
        # E: mypy[typeddict-unknown-key] pyright[reportArgumentType]
        await self.broker.mailer.send({"text": "Hi", "email": "a@example.org", "bcc": "b@example.org"})
        # E: mypy[typeddict-item] pyright[reportArgumentType]
        await self.broker.mailer.send({"text": "Hi", "email": "a@example.org", "priority": "urgent"})
        # E: mypy[typeddict-item] pyright[reportArgumentType]
        await self.broker.mailer.send({"text": "Hi", "email": "a@example.org", "sender": {"email": "x"}})
        # E: mypy[typeddict-item] pyright[reportArgumentType]
        await self.broker.mailer.send({"text": "Hi", "email": "a@example.org", "sender": {"name": 1}})
        # E: mypy[list-item] pyright[reportArgumentType]
        await self.broker.mailer.send({"text": "Hi", "email": "a@example.org", "cc": [1]})
        await self.broker.mailer.send(text="Hi", email="a@example.org")  # E: mypy[call-arg] pyright[reportCallIssue]
        # E: mypy[typeddict-item,typeddict-unknown-key] pyright[reportArgumentType]
        await self.broker.audit.send({"class": "login", "user_id": 1, "level": 2})
        # E: mypy[arg-type] pyright[reportArgumentType]
        await self.broker.mailer.send({"text": "Hi", "email": "a@example.org"}, delay="30")
        await self.broker.pusher.send(["not", "an", "object"])  # E: mypy[arg-type] pyright[reportArgumentType]
        letters = await self.broker.mailer.dead()
        await self.broker.mailer.resend(letters)  # E: mypy[arg-type] pyright[reportArgumentType]
        await self.broker.mailer.resend({"text": "Hi"})  # E: mypy[arg-type] pyright[reportArgumentType]
        await self.broker.mailer.discard("17-0")  # E: mypy[arg-type] pyright[reportArgumentType]
        # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownMemberType]
        await self.broker.mailer.purge()
        typed: MailerMessage = {"text": "Hi"}  # E: mypy[typeddict-item] pyright[reportAssignmentType]
        await self.broker.mailer.send(typed)

    async def use_answers(self) -> None:
        counts = await self.bus.rpc_comments_count.call("x", user_id=1)
        text: str = counts["CommentAgent.count"]  # E: mypy[assignment] pyright[reportAssignmentType]
        number: int = counts  # E: mypy[assignment] pyright[reportAssignmentType]
        await self.bus.rpc_comments_count.call("x", user_id="1")  # E: mypy[arg-type] pyright[reportArgumentType]
        # E: mypy[arg-type] pyright[reportArgumentType]
        await self.bus.rpc_comments_count.call("x", user_id=1, timeout="5")
        async with self.bus.rpc_comments_count.waiter("x", user_id=1) as replies:
            async for reply in replies:
                text = reply["CommentAgent.count"]  # E: mypy[assignment] pyright[reportAssignmentType]
        async with self.bus.rpc_comments_count.waiter("x", userid=1):  # E: mypy[call-arg] pyright[reportCallIssue]
            pass
        print(text, number)


class BusAlone(MicroAgent[Bus]):
    async def go(self) -> None:
        # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownMemberType]
        await self.bus.nope.send("x")
        await self.broker.anything.send({"a": 1})


def construct(raw_bus: AbstractSignalBus, bus: Bus, broker: Broker) -> None:
    Caller(bus=1)  # E: mypy[arg-type] pyright[reportArgumentType]
    Caller(bus=broker)  # E: mypy[arg-type] pyright[reportArgumentType]
    Caller(broker=bus)  # E: mypy[arg-type] pyright[reportArgumentType]
    Caller(transport=raw_bus)  # E: mypy[call-arg] pyright[reportCallIssue]
    Bus("redis://localhost/7")  # E: mypy[arg-type] pyright[reportArgumentType]
    Bus(broker)  # E: mypy[arg-type] pyright[reportArgumentType]
    # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownArgumentType,reportUnknownMemberType]
    print(bus.nope)
    # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownArgumentType,reportUnknownMemberType]
    print(signals.nope)
