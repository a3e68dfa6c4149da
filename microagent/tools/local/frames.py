"""The wire format between members: frames of a length, a kind and a payload."""

import struct
from collections.abc import Sequence
from enum import IntEnum

import msgspec

from microagent.channel import Pattern
from microagent.errors import SignalSerializingError

LONGEST = 64 * 1024 * 1024
LONGEST_NAME = 0xFFFF
_HEADER = struct.Struct("!IB")
_CHANNEL = struct.Struct("!H")


class FrameError(Exception):
    """The peer violates the protocol."""


class Kind(IntEnum):
    """The kinds of frames. Never renumber them: processes of two versions may communicate."""

    SUBSCRIBE = 1
    UNSUBSCRIBE = 2
    CONFIRM = 3
    SIGNAL = 4


class SubscriptionChange(msgspec.Struct, frozen=True):
    """A change of what a member subscribes to; ``number`` comes back in the confirmation."""

    number: int
    patterns: list[tuple[str, str]]

    @classmethod
    def of(cls, number: int, patterns: Sequence[Pattern]) -> "SubscriptionChange":
        """A change for these patterns."""
        return cls(number, [(pattern.head, pattern.tag) for pattern in patterns])

    def subscribed(self) -> list[Pattern]:
        """The patterns as :class:`Pattern` objects."""
        return [Pattern(head, tag) for head, tag in self.patterns]


_subscription = msgspec.json.Decoder(SubscriptionChange)


def subscription_frame(kind: Kind, change: SubscriptionChange) -> bytes:
    """A subscription, or the end of one."""
    return frame(kind, msgspec.json.encode(change))


def read_subscription(payload: bytes) -> SubscriptionChange:
    """
    What :func:`subscription_frame` wrote.

    :raises FrameError: if it makes no sense
    """
    try:
        return _subscription.decode(payload)
    except msgspec.DecodeError as error:
        raise FrameError(f"a subscription that makes no sense: {error}") from error


def confirm_frame(number: int) -> bytes:
    """The confirmation of the change of this number."""
    return frame(Kind.CONFIRM, str(number).encode())


def read_confirm(payload: bytes) -> int:
    """
    What :func:`confirm_frame` wrote.

    :raises FrameError: if it makes no sense
    """
    try:
        return int(payload)
    except ValueError as error:
        raise FrameError("a confirmation that makes no sense") from error


def signal_frame(channel: str, body: bytes) -> bytes:
    """
    A signal on its way.

    :raises SignalSerializingError: if it is longer than a frame may be
    """
    name = channel.encode()
    length = _CHANNEL.size + len(name) + len(body)
    if length > LONGEST or len(name) > LONGEST_NAME:
        raise SignalSerializingError(f"a signal of {length} bytes is more than the {LONGEST} that local:// carries")
    return b"".join((_HEADER.pack(length, Kind.SIGNAL), _CHANNEL.pack(len(name)), name, body))


def read_signal(payload: bytes) -> tuple[str, bytes]:
    """
    What :func:`signal_frame` wrote: the channel and the body.

    :raises FrameError: if it makes no sense
    """
    try:
        (length,) = _CHANNEL.unpack_from(payload)
        start = _CHANNEL.size + length
        if start > len(payload):
            raise ValueError("it is shorter than its channel")
        return payload[_CHANNEL.size : start].decode(), payload[start:]
    except (ValueError, struct.error) as error:
        raise FrameError("a signal that makes no sense") from error


def frame(kind: Kind, payload: bytes) -> bytes:
    """A payload with its header."""
    return _HEADER.pack(len(payload), kind) + payload


class FrameReader:
    """Cuts a stream into frames. A frame that is too long is refused by its header, before its bytes are kept."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = _HEADER.size

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """
        The frames that ``data`` completes.

        :raises FrameError: if one is too long
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
        frames, end = self._cut(data)
        self._rest = bytearray(data[end:])
        return frames

    def _cut(self, data: bytes) -> tuple[list[tuple[int, bytes]], int]:
        frames: list[tuple[int, bytes]] = []
        start = 0
        while True:
            body = start + _HEADER.size
            if body > len(data):
                self._needed = _HEADER.size
                return frames, start
            length, kind = _HEADER.unpack_from(data, start)
            if length > LONGEST:
                raise FrameError(f"a frame of {length} bytes")
            if body + length > len(data):
                self._needed = _HEADER.size + length
                return frames, start
            frames.append((kind, data[body : body + length]))
            start = body + length
