"""What comes on a connection, sorted before the driver reads it."""

import asyncio
from typing import Protocol

from microagent.tools.amqp.frames import HEAD, SIGN_OF_LIFE, FrameError, NoFrameError, size_of_next, split

LONGEST = 1 << 20  # bytes of a frame, unless longer ones are agreed on
SIGNS = 1.0  # seconds between signs of life for the driver, while what comes is for listeners


class Listener(Protocol):
    """Who wants frames of a channel."""

    def hear(self, kind: int, payload: bytes) -> bool:
        """
        Take a frame; False: it is the driver's.

        :raises FrameError: if it is not what may come now
        """
        ...


class Sieve(asyncio.StreamReader):
    """
    The driver's reader: what listeners take does not get there, everything else does, whole and in order.

    The driver takes three reads, a parser in Python and turns of the loop for each frame, which is most of what a
    message costs. What cannot be told apart is left to it, with all that follows.
    """

    def __init__(self) -> None:
        super().__init__()
        self._listeners: dict[int, Listener] = {}
        self._longest = LONGEST
        self._rest = bytearray()  # of a frame that has not come as a whole
        self._needed = 0  # bytes of it
        self._is_sorting = True
        self._signed = 0.0  # when the driver last had a sign of life, on the loop's clock
        self._time = asyncio.get_running_loop().time

    def agree(self, longest: int) -> None:
        """Expect frames of so many bytes; 0: as many as anybody likes."""
        self._longest = max(longest, LONGEST) if longest else 1 << 32

    def listen(self, channel: int, listener: Listener) -> None:
        """Offer it the frames of a channel, from now on."""
        self._listeners[channel] = listener

    def leave(self, channel: int, listener: Listener) -> None:
        """Offer it nothing more."""
        if self._listeners.get(channel) is listener:
            del self._listeners[channel]

    # -- what the transport calls

    def feed_data(self, data: bytes) -> None:  # type: ignore[override] # pyright: ignore - typeshed allows for more
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            data = bytes(self._rest)
            self._rest.clear()
        try:
            self._sort(data)
        except FrameError as error:
            self._is_sorting = False
            self.set_exception(error)

    def _sort(self, data: bytes) -> None:
        if not self._is_sorting:
            super().feed_data(data)
            return
        begin = done = 0  # of what is the driver's, and of what is sorted
        for kind, channel, at, stop in split(data):
            listener = self._listeners.get(channel)
            if listener is not None and listener.hear(kind, data[at + HEAD.size : stop - 1]):
                super().feed_data(data[begin:at])
                begin = stop
            done = stop
        super().feed_data(data[begin:done])
        if begin:
            self._give_sign()
        self._keep(data[done:])

    def _give_sign(self) -> None:
        """The driver counts a server as gone that is silent for long, as this one is for it."""
        if (now := self._time()) > self._signed + SIGNS:
            self._signed = now
            super().feed_data(SIGN_OF_LIFE)

    def _keep(self, rest: bytes) -> None:
        try:
            self._needed = size_of_next(rest)
        except NoFrameError:
            self._is_sorting = False
            super().feed_data(rest)
            return
        if self._needed > self._longest:
            raise FrameError(f"a frame of {self._needed:,} bytes is longer than agreed")
        self._rest += rest
