"""The names that signals travel under."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

RESPONSE = "response"
UNSAFE_IN_SENDER = re.compile(r"[:#*?\[\]\\\s\x00-\x1f\x7f]")


REMEMBERED = 4096  # channels; there are few, where there are many messages
LONGEST_REMEMBERED = 200  # characters of one


class Channel(NamedTuple):
    """
    ``{prefix}:{signal}:{sender}``, or for a call ``{prefix}:{signal}:{sender}#{request id}``.

    A reply travels on ``{prefix}:response:{uid of the replying bus}#{request id}``.
    """

    prefix: str
    signal: str
    sender: str
    request_id: str | None = None

    def __str__(self) -> str:
        text = f"{self.prefix}:{self.signal}:{self.sender}"
        return text if self.request_id is None else f"{text}#{self.request_id}"

    @classmethod
    def parse(cls, text: str, prefix: str) -> Self:
        """
        The channel that was written as ``text``.

        Senders and ids of older peers may hold colons and hashes.

        :raises ValueError: if it is none of this prefix, or holds what cannot be seen (ends of lines, say)
        """
        head, rest = text[: len(prefix) + 1], text[len(prefix) + 1 :]
        signal, colon, sender = rest.partition(":")
        if head != f"{prefix}:" or not signal or not colon or not text.isprintable():
            raise ValueError(f"no channel of prefix {prefix!r}: {text[:200]!r}")
        sender, mark, request_id = sender.partition("#")
        return cls(prefix, signal, sender, request_id if mark else None)


@lru_cache(REMEMBERED)
def sent_on(prefix: str, signal: str, sender: str) -> str:
    """
    The text of the channel of one sender.

    :raises ValueError: if this is no sender's name
    """
    if UNSAFE_IN_SENDER.search(sender) or not sender.isprintable():
        raise ValueError("a sender is a text without spaces and : # * ? [ ] \\")
    return str(Channel(prefix, signal, sender))


def called_on(channel: str, request_id: str) -> str:
    """The text of the channel of a call, by that of its sender."""
    return f"{channel}#{request_id}"


def received_on(text: str, prefix: str) -> Channel:
    """
    The channel that was written as ``text``; what calls and replies travel under is remembered by nobody.

    :raises ValueError: if it is none of this prefix
    """
    if "#" in text or len(text) > LONGEST_REMEMBERED:
        return Channel.parse(text, prefix)
    return _remembered(text, prefix)


_remembered = lru_cache(REMEMBERED)(Channel.parse)


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    What a bus subscribes to: channels that begin with ``head`` and, when ``tag`` is set, hold ``tag`` after it.

    All signals of a name: ``Pattern("PUBSUB:user_created:")``; the replies to one bus:
    ``Pattern("PUBSUB:response:", "#<uid>.")``.
    """

    head: str
    tag: str = ""

    def matches(self, channel: str) -> bool:
        return channel.startswith(self.head) and (not self.tag or self.tag in channel[len(self.head) :])

    def glob(self) -> str:
        """The pattern for servers that match globs (Redis), its special characters escaped."""
        escaped = [re.sub(r"([*?\[\]\\])", r"\\\1", part) for part in (self.head, self.tag)]
        return f"{escaped[0]}*{escaped[1]}*" if self.tag else f"{escaped[0]}*"
