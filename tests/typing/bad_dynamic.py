"""What type checkers find without generated contracts."""

from typing import Any

from microagent import MicroAgent, Queue, Signal, consumer, load_stuff, receiver
from microagent.tools.local import LocalBroker, LocalSignalBus

signals, queues = load_stuff("file://schemas/all.json")


class Plain(MicroAgent):
    @receiver(signals.user_created)  # E: mypy[type-var] pyright[reportArgumentType,reportUntypedFunctionDecorator]
    def not_async(self, **kwargs: Any) -> None: ...

    # E: mypy[call-overload,untyped-decorator] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @receiver("user_created")
    async def a_name(self, **kwargs: Any) -> None: ...

    # E: mypy[call-overload,untyped-decorator] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @receiver(queues.mailer)
    async def a_queue(self, **kwargs: Any) -> None: ...

    @consumer(queues.mailer)  # E: mypy[type-var] pyright[reportArgumentType,reportUntypedFunctionDecorator]
    def not_async_either(self, **kwargs: Any) -> None: ...

    # E: mypy[call-overload,untyped-decorator] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(signals.user_created)
    async def a_signal(self, **kwargs: Any) -> None: ...

    # E: mypy[call-overload,untyped-decorator] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.mailer, dto_class="Mail")
    async def no_class(self, dto: Any) -> None: ...

    @receiver(signals.user_created)
    async def receive(self, user_id: int, **kwargs: Any) -> None: ...

    async def go(self) -> None:
        await self.receive("1")  # E: mypy[arg-type] pyright[reportArgumentType]
        await self.bus.anything.send(1)  # E: mypy[arg-type] pyright[reportArgumentType]
        # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownMemberType]
        await self.bus.anything.publish("x")
        await self.broker.anything.send("text")  # E: mypy[arg-type] pyright[reportArgumentType]
        number: int = await self.bus.anything.call("x")  # E: mypy[assignment] pyright[reportAssignmentType]
        print(number)


def declare() -> None:
    Signal()  # E: mypy[call-arg] pyright[reportCallIssue]
    Signal("x", 5)  # E: mypy[arg-type] pyright[reportArgumentType]
    Queue("x", payload=5)  # E: mypy[arg-type] pyright[reportArgumentType]


def ends() -> None:
    LocalSignalBus("local://", validate="strickt")  # E: mypy[arg-type] pyright[reportArgumentType]
    LocalSignalBus("local://", validat="strict")  # E: mypy[call-arg] pyright[reportCallIssue]
    LocalSignalBus("local://", send_timeout="5")  # E: mypy[arg-type] pyright[reportArgumentType]
    LocalBroker("local://", synchronous="full")  # E: mypy[arg-type] pyright[reportArgumentType]
    LocalBroker("local://", retry=5)  # E: mypy[arg-type] pyright[reportArgumentType]
    consumer(queues.mailer, concurrency="5")  # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue]
    consumer(queues.mailer, retry=5)  # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue]
