"""What the server confirms on a channel that sends."""

from itertools import takewhile
from typing import Any, Protocol

from aiormq import spec

from microagent.tools.amqp.frames import ACK, METHOD, acknowledgement


class Channel(Protocol):
    """What is used of a channel of the driver's, all of it public."""

    confirmations: dict[int, Any]


class Confirms:
    """
    Hears that messages were taken, and tells those who wait for it, as long as that is all the server has to say.

    What it returns or refuses, the driver reads, in its own time; so from there on it reads confirms too, or they would
    overtake. That is over when it has none to wait for.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._is_drivers = False

    def begin(self) -> None:
        """Something is going to be sent."""
        if not self._channel.confirmations:
            self._is_drivers = False

    def hear(self, kind: int, payload: bytes) -> bool:
        """
        Take a confirm.

        :raises FrameError: if it cannot be read
        """
        if kind != METHOD:
            return False
        if self._is_drivers or not payload.startswith(ACK):
            self._is_drivers = True
            return False
        tag, multiple = acknowledgement(payload)
        waiting = self._channel.confirmations
        if tag in waiting:
            ack = spec.Basic.Ack(tag, multiple)
            for number in list(takewhile(tag.__ge__, waiting)) if multiple else [tag]:
                confirm = waiting.pop(number)
                if not confirm.done():  # whose sender has gone
                    confirm.set_result(ack)
            return True
        return False
