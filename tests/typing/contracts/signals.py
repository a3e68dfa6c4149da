"""Signals."""

import typing as _t

import microagent as _m


class CommentCreated(_t.TypedDict):
    comment_id: int | float | None
    user_id: int | float


class Ended(_t.TypedDict):
    code: int


class Labelled(_t.TypedDict):
    id: int


class Legacy(_t.TypedDict):
    user_id: _t.Any
    text: _t.Any


class OrderPaidCustomerAddress(_t.TypedDict):
    city: str
    zip: str


class OrderPaidCustomer(_t.TypedDict):
    name: str
    address: _t.NotRequired[OrderPaidCustomerAddress]


class OrderPaid(_t.TypedDict):
    number: str
    total: int | float
    positions: list[int]
    currency: _t.Literal["EUR", "USD"]
    customer: _t.NotRequired[OrderPaidCustomer]


class RpcCommentsCount(_t.TypedDict):
    user_id: int


class Started(_t.TypedDict):
    pass


class UserCreated(_t.TypedDict):
    """A user has registered."""

    user_id: int


class UserDeleted(_t.TypedDict):
    """A user is gone."""

    user_id: int
    reason: _t.NotRequired[str]


if _t.TYPE_CHECKING:
    from collections.abc import Awaitable as _Awaitable

    class CommentCreatedBound(_m.TypedBoundSignal[_t.Any]):
        async def send(self, sender: str, *, comment_id: int | float | None, user_id: int | float) -> None: ...
        async def call(
            self, sender: str, *, timeout: float = 60, comment_id: int | float | None, user_id: int | float
        ) -> dict[str, _t.Any]: ...
        def waiter(
            self, sender: str, *, timeout: float = 60, comment_id: int | float | None, user_id: int | float
        ) -> _m.Waiter[_t.Any]: ...

    class CommentCreatedHandler(_t.Protocol):
        def __call__(
            self,
            agent: _t.Any,
            /,
            *,
            signal: _m.Signal,
            sender: str,
            comment_id: int | float | None,
            user_id: int | float,
        ) -> _Awaitable[object]: ...

    class EndedBound(_m.TypedBoundSignal[_t.Any]):
        async def send(self, sender: str, *, code: int) -> None: ...
        async def call(self, sender: str, *, timeout: float = 60, code: int) -> dict[str, _t.Any]: ...
        def waiter(self, sender: str, *, timeout: float = 60, code: int) -> _m.Waiter[_t.Any]: ...

    class EndedHandler(_t.Protocol):
        def __call__(self, agent: _t.Any, /, *, signal: _m.Signal, sender: str, code: int) -> _Awaitable[object]: ...

    class LabelledBound(_m.TypedBoundSignal[_t.Any]):
        async def send(self, sender: str, *, id: int, **extra: str) -> None: ...
        async def call(self, sender: str, *, timeout: float = 60, id: int, **extra: str) -> dict[str, _t.Any]: ...
        def waiter(self, sender: str, *, timeout: float = 60, id: int, **extra: str) -> _m.Waiter[_t.Any]: ...

    class LabelledHandler(_t.Protocol):
        def __call__(self, agent: _t.Any, /, *, signal: _m.Signal, sender: str, id: int) -> _Awaitable[object]: ...

    class LegacyBound(_m.TypedBoundSignal[_t.Any]):
        async def send(self, sender: str, *, user_id: _t.Any, text: _t.Any) -> None: ...
        async def call(
            self, sender: str, *, timeout: float = 60, user_id: _t.Any, text: _t.Any
        ) -> dict[str, _t.Any]: ...
        def waiter(self, sender: str, *, timeout: float = 60, user_id: _t.Any, text: _t.Any) -> _m.Waiter[_t.Any]: ...

    class LegacyHandler(_t.Protocol):
        def __call__(
            self, agent: _t.Any, /, *, signal: _m.Signal, sender: str, user_id: _t.Any, text: _t.Any
        ) -> _Awaitable[object]: ...

    class OrderPaidBound(_m.TypedBoundSignal[_t.Any]):
        async def send(
            self,
            sender: str,
            *,
            number: str,
            total: int | float,
            positions: list[int],
            currency: _t.Literal["EUR", "USD"],
            customer: OrderPaidCustomer = ...,
        ) -> None: ...
        async def call(
            self,
            sender: str,
            *,
            timeout: float = 60,
            number: str,
            total: int | float,
            positions: list[int],
            currency: _t.Literal["EUR", "USD"],
            customer: OrderPaidCustomer = ...,
        ) -> dict[str, _t.Any]: ...
        def waiter(
            self,
            sender: str,
            *,
            timeout: float = 60,
            number: str,
            total: int | float,
            positions: list[int],
            currency: _t.Literal["EUR", "USD"],
            customer: OrderPaidCustomer = ...,
        ) -> _m.Waiter[_t.Any]: ...

    class OrderPaidHandler(_t.Protocol):
        def __call__(
            self,
            agent: _t.Any,
            /,
            *,
            signal: _m.Signal,
            sender: str,
            number: str,
            total: int | float,
            positions: list[int],
            currency: _t.Literal["EUR", "USD"],
            customer: OrderPaidCustomer = ...,
        ) -> _Awaitable[object]: ...

    class RpcCommentsCountBound(_m.TypedBoundSignal[int]):
        async def send(self, sender: str, *, user_id: int) -> None: ...
        async def call(self, sender: str, *, timeout: float = 60, user_id: int) -> dict[str, int]: ...
        def waiter(self, sender: str, *, timeout: float = 60, user_id: int) -> _m.Waiter[int]: ...

    class RpcCommentsCountHandler(_t.Protocol):
        def __call__(self, agent: _t.Any, /, *, signal: _m.Signal, sender: str, user_id: int) -> _Awaitable[int]: ...

    class StartedBound(_m.TypedBoundSignal[_t.Any]):
        async def send(self, sender: str) -> None: ...
        async def call(self, sender: str, *, timeout: float = 60) -> dict[str, _t.Any]: ...
        def waiter(self, sender: str, *, timeout: float = 60) -> _m.Waiter[_t.Any]: ...

    class StartedHandler(_t.Protocol):
        def __call__(self, agent: _t.Any, /, *, signal: _m.Signal, sender: str) -> _Awaitable[object]: ...

    class UserCreatedBound(_m.TypedBoundSignal[_t.Any]):
        """A user has registered."""

        async def send(self, sender: str, *, user_id: int) -> None: ...
        async def call(self, sender: str, *, timeout: float = 60, user_id: int) -> dict[str, _t.Any]: ...
        def waiter(self, sender: str, *, timeout: float = 60, user_id: int) -> _m.Waiter[_t.Any]: ...

    class UserCreatedHandler(_t.Protocol):
        def __call__(self, agent: _t.Any, /, *, signal: _m.Signal, sender: str, user_id: int) -> _Awaitable[object]: ...

    class UserDeletedBound(_m.TypedBoundSignal[_t.Any]):
        """A user is gone."""

        async def send(self, sender: str, *, user_id: int, reason: str = ...) -> None: ...
        async def call(
            self, sender: str, *, timeout: float = 60, user_id: int, reason: str = ...
        ) -> dict[str, _t.Any]: ...
        def waiter(self, sender: str, *, timeout: float = 60, user_id: int, reason: str = ...) -> _m.Waiter[_t.Any]: ...

    class UserDeletedHandler(_t.Protocol):
        def __call__(
            self, agent: _t.Any, /, *, signal: _m.Signal, sender: str, user_id: int, reason: str = ...
        ) -> _Awaitable[object]: ...


class Signals:
    comment_created: "_m.TypedSignal[CommentCreatedBound, CommentCreatedHandler]" = _m.TypedSignal(
        "comment_created",
        declared='{"payload":{"properties":{"comment_id":{"type":["number","null"]},"user_id":{"type":"number"}},"required":["comment_id","user_id"],"type":"object"}}',
    )
    ended: "_m.TypedSignal[EndedBound, EndedHandler]" = _m.TypedSignal(
        "ended",
        declared='{"payload":{"properties":{"code":{"type":"integer"}},"required":["code"],"type":"object"}}',
    )
    labelled: "_m.TypedSignal[LabelledBound, LabelledHandler]" = _m.TypedSignal(
        "labelled",
        declared='{"payload":{"additionalProperties":{"type":"string"},"properties":{"id":{"type":"integer"}},"required":["id"],"type":"object"}}',
    )
    legacy: "_m.TypedSignal[LegacyBound, LegacyHandler]" = _m.TypedSignal(
        "legacy",
        declared='{"payload":{"properties":{"text":{},"user_id":{}},"required":["user_id","text"],"type":"object"}}',
    )
    order_paid: "_m.TypedSignal[OrderPaidBound, OrderPaidHandler]" = _m.TypedSignal(
        "order_paid",
        declared='{"payload":{"properties":{"currency":{"enum":["EUR","USD"]},"customer":{"properties":{"address":{"properties":{"city":{"type":"string"},"zip":{"type":"string"}},"required":["city","zip"],"type":"object"},"name":{"type":"string"}},"required":["name"],"type":"object"},"number":{"type":"string"},"positions":{"items":{"type":"integer"},"type":"array"},"total":{"type":"number"}},"required":["number","total","positions","currency"],"type":"object"}}',
    )
    rpc_comments_count: "_m.TypedSignal[RpcCommentsCountBound, RpcCommentsCountHandler]" = _m.TypedSignal(
        "rpc_comments_count",
        declared='{"payload":{"properties":{"user_id":{"type":"integer"}},"required":["user_id"],"type":"object"},"returns":{"type":"integer"}}',
    )
    started: "_m.TypedSignal[StartedBound, StartedHandler]" = _m.TypedSignal(
        "started",
        declared='{"payload":{"properties":{},"required":[],"type":"object"}}',
    )
    user_created: "_m.TypedSignal[UserCreatedBound, UserCreatedHandler]" = _m.TypedSignal(
        "user_created",
        declared='{"payload":{"properties":{"user_id":{"type":"integer"}},"required":["user_id"],"type":"object"}}',
    )
    """A user has registered."""
    user_deleted: "_m.TypedSignal[UserDeletedBound, UserDeletedHandler]" = _m.TypedSignal(
        "user_deleted",
        declared='{"payload":{"properties":{"reason":{"type":"string"},"user_id":{"type":"integer"}},"required":["user_id"],"type":"object"}}',
    )
    """A user is gone."""


class Bus(_m.TypedBus):
    comment_created: "CommentCreatedBound"
    ended: "EndedBound"
    labelled: "LabelledBound"
    legacy: "LegacyBound"
    order_paid: "OrderPaidBound"
    rpc_comments_count: "RpcCommentsCountBound"
    started: "StartedBound"
    user_created: "UserCreatedBound"
    """A user has registered."""
    user_deleted: "UserDeletedBound"
    """A user is gone."""


signals = Signals()
