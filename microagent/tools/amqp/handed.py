"""The driver's message as handlers get it (``amqp``): settled through its delivery, and so only once."""

from typing import Any, cast

from aiormq.abc import AbstractChannel, DeliveredMessage

from microagent.delivery import Delivery
from microagent.errors import ConfigurationError
from microagent.tools.amqp.headers import said


class SettlingChannel:
    """The channel of one message: what settles goes through its delivery, everything else is the channel's own."""

    def __init__(self, channel: AbstractChannel, delivery: Delivery) -> None:
        self._channel = channel
        self._delivery = delivery

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    async def basic_ack(self, delivery_tag: int, multiple: bool = False, **options: Any) -> None:
        self._only_its_own(delivery_tag, multiple)
        self._delivery.ack()

    async def basic_nack(self, delivery_tag: int, multiple: bool = False, requeue: bool = True, **options: Any) -> None:
        self._only_its_own(delivery_tag, multiple)
        await self.basic_reject(delivery_tag, requeue=requeue)

    async def basic_reject(self, delivery_tag: int, *, requeue: bool = True, **options: Any) -> None:
        self._only_its_own(delivery_tag)
        if requeue:
            self._delivery.release()
        else:
            self._delivery.bury("rejected by its handler")

    def _only_its_own(self, delivery_tag: int, multiple: bool = False) -> None:
        if multiple or delivery_tag != self._delivery.token.tag:
            raise ConfigurationError("a handler settles its own message, and no others along with it")


def as_handed(message: DeliveredMessage, delivery: Delivery) -> DeliveredMessage:
    """The message with a channel that settles it through its delivery."""
    channel = cast("AbstractChannel", SettlingChannel(message.channel, delivery))
    return DeliveredMessage(message.delivery, message.header, message.body, channel)


class HeldDelivery(Delivery):
    """A delivery whose ``raw`` and ``headers`` are made when somebody asks for them, which few handlers do."""

    __slots__ = ()

    def __init__(self, queue: str, body: bytes, **facts: Any) -> None:
        super().__init__(queue, body, **facts)
        del self.raw

    def __getattr__(self, name: str) -> Any:
        if name != "raw":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.raw = as_handed(self.token.message, self)
        return self.raw

    def _said(self) -> dict[str, str]:
        return said(self.token.message.header.properties.headers or {})
