"""A message as the driver knows it, read only as far as somebody asks."""

from functools import cached_property

from aiormq import spec
from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp.header import ContentHeader

from microagent.tools.amqp.frames import DELIVER, plain_id


class Arrived(DeliveredMessage):
    """
    Its body is there, its method and its properties are bytes until then: they take the driver longer than all else.

    :param tag: of the delivery
    :param method: the payload of its method frame
    :param properties: of its header frame
    """

    def __init__(self, channel: AbstractChannel, tag: int, method: bytes, properties: bytes, body: bytes) -> None:
        self.__dict__.update(channel=channel, body=body, _tag=tag, _method=method, _properties=properties)

    @property
    def delivery_tag(self) -> int:
        tag: int = self.__dict__["_tag"]
        return tag

    @property
    def plain_id(self) -> str | None:
        """The message id of one that has no headers; None where all properties have to be read to know."""
        return plain_id(self.__dict__["_properties"])

    @cached_property
    def delivery(self) -> spec.Basic.Deliver:  # pyright: ignore[reportIncompatibleVariableOverride] - read when asked
        method = spec.Basic.Deliver()
        method.unmarshal(self.__dict__["_method"][len(DELIVER) :])
        return method

    @cached_property
    def header(self) -> ContentHeader:  # pyright: ignore[reportIncompatibleVariableOverride] - likewise
        """Without properties, if they cannot be read: the server does not look at them."""
        header = ContentHeader()
        try:
            header.unmarshal(self.__dict__["_properties"])
        except Exception:  # noqa: BLE001 - it comes from outside, and so may do anything to the driver
            return ContentHeader(body_size=len(self.body))
        return header
