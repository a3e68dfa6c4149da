"""Handlers that their contracts refuse."""

from typing import Any

from contracts import Broker, Bus, queues, signals

from microagent import CallNext, Delivery, MicroAgent, Run, Signal, consumer, cron, middleware, on, periodic, receiver


class BadReceivers(MicroAgent[Bus, Broker]):
    @receiver(signals.user_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def wrong_type(self, user_id: str, **kwargs: object) -> None: ...

    @receiver(signals.user_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def required_extra(self, user_id: int, text: str, **kwargs: object) -> None: ...

    @receiver(signals.user_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def misspelt(self, userid: int, **kwargs: object) -> None: ...

    @receiver(signals.user_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def missing_parameter(self, signal: Signal, sender: str) -> None: ...

    @receiver(signals.user_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def missing_signal_and_sender(self, user_id: int) -> None: ...

    @receiver(signals.user_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def wrong_sender(self, sender: int, **kwargs: object) -> None: ...

    @receiver(signals.user_deleted)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def optional_without_default(self, user_id: int, reason: str, **kwargs: object) -> None: ...

    @receiver(signals.rpc_comments_count)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def wrong_answer(self, user_id: int, **kwargs: object) -> str:
        return str(user_id)

    @receiver(signals.comment_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def forgets_null(self, comment_id: float, **kwargs: object) -> None: ...

    @receiver(signals.order_paid)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def wrong_nested(self, customer: dict[str, int] | None = None, **kwargs: object) -> None: ...

    @receiver(signals.legacy)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def unknown_to_untyped(self, user_id: int, reason: str, **kwargs: object) -> None: ...

    @receiver(signals.user_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    def not_async(self, **kwargs: object) -> None: ...

    # E: mypy[arg-type,attr-defined] pyright[reportAttributeAccessIssue,reportUnknownArgumentType,reportUnknownMemberType]
    @receiver(signals.user_creatd)
    async def unknown_signal(self, **kwargs: object) -> None: ...

    # E: mypy[call-overload,untyped-decorator] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @receiver(queues.mailer)
    async def a_queue(self, **kwargs: object) -> None: ...

    # E: mypy[call-overload,untyped-decorator] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @receiver(signals.user_created, timeout="5")
    async def wrong_timeout(self, **kwargs: object) -> None: ...


class BadReceiversOfMany(MicroAgent[Bus, Broker]):
    @receiver(signals.user_deleted, signals.user_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def second_has_no_reason(self, user_id: int, reason: str, **kwargs: object) -> None: ...

    @receiver(signals.started, signals.user_created)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def first_has_no_user(self, user_id: int, **kwargs: object) -> None: ...

    @receiver(signals.user_created, signals.rpc_comments_count)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def second_wants_an_answer(self, user_id: int, **kwargs: object) -> None: ...

    @receiver(  # E: mypy[arg-type] pyright[reportArgumentType]
        signals.user_created,
        signals.user_deleted,
        signals.rpc_comments_count,
        signals.legacy,
        signals.comment_created,
        signals.ended,
        signals.labelled,
        signals.order_paid,
    )
    async def not_the_sixth(self, user_id: object = None, code: str = "", **kwargs: object) -> int:
        return 0

    @receiver(signals.user_created, signals.user_deleted)  # E: mypy[arg-type] pyright[reportArgumentType]
    def not_async(self, **kwargs: object) -> None: ...


class BadConsumers(MicroAgent[Bus, Broker]):
    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.mailer)
    async def wrong_type(self, text: int, **kwargs: object) -> None: ...

    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.mailer)
    async def missing_keys(self, text: str) -> None: ...

    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.mailer)
    async def required_extra(self, text: str, subject: str, **kwargs: object) -> None: ...

    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.mailer)
    async def optional_without_default(self, cc: list[str], **kwargs: object) -> None: ...

    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.mailer)
    async def wrong_enum(self, priority: int = 0, **kwargs: object) -> None: ...

    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.mailer)
    def not_async(self, **kwargs: object) -> None: ...

    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.audit)
    async def wrong_type_of_delivery(self, delivery: str, **kwargs: object) -> None: ...

    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.audit)
    async def wrong_type_beside_odd_keys(self, level: str, **kwargs: object) -> None: ...

    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.audit)
    async def odd_keys_refused(self, level: int) -> None: ...

    # E: mypy[call-overload] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(queues.mailer)
    async def delivery_and_extra(self, delivery: Delivery, subject: str, **kwargs: object) -> None: ...

    # E: mypy[attr-defined] pyright[reportAttributeAccessIssue,reportUnknownArgumentType,reportUnknownMemberType]
    @consumer(queues.mailr)
    async def unknown_queue(self, **kwargs: object) -> None: ...

    # E: mypy[call-overload,untyped-decorator] pyright[reportArgumentType,reportCallIssue,reportUntypedFunctionDecorator]
    @consumer(signals.user_created)
    async def a_signal(self, **kwargs: object) -> None: ...


class BadMiddleware(MicroAgent[Bus, Broker]):
    @middleware  # E: mypy[type-var] pyright[reportArgumentType,reportUntypedFunctionDecorator]
    def not_async(self, run: Run, call_next: CallNext) -> None: ...

    @middleware  # E: mypy[type-var] pyright[reportArgumentType,reportUntypedFunctionDecorator]
    async def takes_too_little(self, run: Run) -> None: ...

    @middleware  # E: mypy[type-var] pyright[reportArgumentType,reportUntypedFunctionDecorator]
    async def takes_something_else(self, run: Delivery, call_next: CallNext) -> None: ...


class BadTimers(MicroAgent[Bus, Broker]):
    @periodic("5")  # E: mypy[arg-type] pyright[reportArgumentType]
    async def wrong_period(self) -> None: ...

    @periodic(5)  # E: mypy[type-var] pyright[reportArgumentType,reportUntypedFunctionDecorator]
    def not_async(self) -> None: ...

    @periodic(5)  # E: mypy[type-var] pyright[reportArgumentType,reportUntypedFunctionDecorator]
    async def takes_something(self, user_id: int) -> None: ...

    @cron(5)  # E: mypy[arg-type] pyright[reportArgumentType]
    async def wrong_spec(self) -> None: ...

    @cron("* * * * *")  # E: mypy[type-var] pyright[reportArgumentType,reportUntypedFunctionDecorator]
    def not_async_either(self) -> None: ...

    @on("prestart")  # E: mypy[arg-type] pyright[reportArgumentType]
    async def unknown_hook(self) -> None: ...

    @on("pre_start")  # E: mypy[type-var] pyright[reportArgumentType,reportUntypedFunctionDecorator]
    async def hook_takes_something(self, user_id: int) -> None: ...


class Direct(MicroAgent[Bus]):
    @receiver(signals.user_created)
    async def receive(self, user_id: int, **kwargs: Any) -> int:
        return user_id

    @consumer(queues.mailer)
    async def consume(self, text: str, **kwargs: Any) -> None: ...

    @periodic(5)
    async def tick(self) -> None: ...

    async def go(self) -> None:
        await self.receive("1")  # E: mypy[arg-type] pyright[reportArgumentType]
        await self.receive()  # E: mypy[call-arg] pyright[reportCallIssue]
        text: str = await self.receive(1)  # E: mypy[assignment] pyright[reportAssignmentType]
        await self.consume(text=1)  # E: mypy[arg-type] pyright[reportArgumentType]
        await self.tick(1)  # E: mypy[call-arg] pyright[reportCallIssue]
        print(text)
