"""Queues."""

import typing as _t

import microagent as _m


AuditMessage = _t.TypedDict(
    "AuditMessage",
    {
        "class": str,
        "user-id": int,
        "level": int,
    },
)


class MailerMessageSender(_t.TypedDict):
    name: str
    email: _t.NotRequired[str]


class MailerMessage(_t.TypedDict):
    """Mail that goes out."""

    text: str
    email: str
    cc: _t.NotRequired[list[str]]
    priority: _t.NotRequired[_t.Literal["low", "high"]]
    sender: _t.NotRequired[MailerMessageSender]


if _t.TYPE_CHECKING:
    from collections.abc import Awaitable as _Awaitable

    class AuditHandler(_t.Protocol):
        def __call__(self, agent: _t.Any, /, **payload: _t.Unpack[AuditMessage]) -> _Awaitable[object]: ...

    class MailerHandler(_t.Protocol):
        def __call__(
            self,
            agent: _t.Any,
            /,
            *,
            text: str,
            email: str,
            cc: list[str] = ...,
            priority: _t.Literal["low", "high"] = ...,
            sender: MailerMessageSender = ...,
        ) -> _Awaitable[object]: ...


class Queues:
    audit: "_m.TypedQueue[_m.TypedBoundQueue[AuditMessage], AuditHandler]" = _m.TypedQueue(
        "audit",
        declared='{"payload":{"properties":{"class":{"type":"string"},"level":{"type":"integer"},"user-id":{"type":"integer"}},"required":["class","user-id","level"],"type":"object"}}',
    )
    mailer: "_m.TypedQueue[_m.TypedBoundQueue[MailerMessage], MailerHandler]" = _m.TypedQueue(
        "mailer",
        declared='{"payload":{"properties":{"cc":{"items":{"type":"string"},"type":"array"},"email":{"type":"string"},"priority":{"enum":["low","high"]},"sender":{"properties":{"email":{"type":"string"},"name":{"type":"string"}},"required":["name"],"type":"object"},"text":{"type":"string"}},"required":["text","email"],"type":"object"}}',
    )
    """Mail that goes out."""
    pusher: _m.Queue = _m.Queue("pusher", declared="{}")


class Broker(_m.TypedBroker):
    audit: "_m.TypedBoundQueue[AuditMessage]"
    mailer: "_m.TypedBoundQueue[MailerMessage]"
    """Mail that goes out."""
    pusher: "_m.TypedBoundQueue[dict[str, _t.Any]]"


queues = Queues()
