"""What passes between the core of a broker and its backend."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from microagent import arguments, wallclock
from microagent.errors import ConfigurationError
from microagent.printable import printable

NOW: float = 0.0  # the delay of what is sent without one


@dataclass(slots=True)
class Outgoing:
    """
    One message on its way out.

    :ivar options: what the caller of ``send`` added, for this backend
    :ivar delay: seconds before which no consumer gets it
    """

    queue: str
    body: bytes
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    delay: float = NOW


class Verdict(Enum):
    """What becomes of a delivery."""

    ACK = "ack"  # done: the server forgets it
    RETRY = "retry"  # failed: comes again after a delay, its failures counted
    BURY = "bury"  # failed for good: to the dead letters
    RELEASE = "release"  # not tried, or cut short by a stop: comes again at once, nothing counted


ACK = Verdict.ACK  # an attribute of an Enum takes longer to find than most of what is done for a message


@dataclass(slots=True, eq=False)
class Delivery:
    """
    One message that this process holds.

    A handler that names ``delivery`` gets it. With ``autoack=False`` the handler settles it: ``ack``, ``retry``,
    ``bury`` or ``release``; the first one counts.

    :ivar queue: name of the queue
    :ivar body: the bytes as they were sent
    :ivar attempt: 1 for the first run
    :ivar crashes: runs that ended together with their process, where the server can tell; not in ``attempt``
    :ivar id: names the message on the server, for logs
    :ivar token: whatever the backend needs to settle it; opaque to the core
    :ivar raw: the driver's own message object, where there is one
    :ivar verdict: the one that counts, once there is one
    :ivar delay: seconds until it is to come again, if it is to be retried
    :ivar reason: why it is retried or buried
    :ivar lost: the lease ran out: another worker has it, and settling would touch theirs
    :ivar on_verdict: called with the delivery once it has a verdict; set by whoever holds it
    """

    queue: str
    body: bytes
    attempt: int = 1
    crashes: int = 0
    id: str = ""
    token: Any = None
    raw: Any = None
    verdict: Verdict | None = field(default=None, init=False)
    delay: float = field(default=0.0, init=False)
    reason: str = field(default="", init=False)
    lost: bool = field(default=False, init=False)
    on_verdict: "Callable[[Delivery], None] | None" = field(default=None, init=False, repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        """
        What its sender said beside the body: ``{"traceparent": "00-..."}``; read-only, and read when it is asked for.

        What microagent or the server wrote there is not shown. Empty on Redis, where messages have no headers.
        """
        return MappingProxyType(self._said())

    def _said(self) -> dict[str, str]:
        return {}

    @property
    def settled(self) -> bool:
        return self.verdict is not None

    def ack(self) -> None:
        """Done: the message leaves the server."""
        if self.verdict is None:  # as below; of all verdicts this is the one that is told so often
            self.verdict = ACK
            if self.on_verdict is not None:
                self.on_verdict(self)

    def retry(self, delay: float = 0.0, reason: str = "retried by its handler") -> None:
        """
        Failed: the message comes again after ``delay`` seconds, with ``attempt`` one higher.

        :raises ConfigurationError: if ``delay`` is no such number
        """
        self._decide(Verdict.RETRY, arguments.seconds("delay", delay), printable(str(reason)))

    def bury(self, reason: str) -> None:
        """Failed for good: the message goes to the dead letters with this reason, in one line of 2,000 characters."""
        self._decide(Verdict.BURY, reason=printable(str(reason)))

    def release(self) -> None:
        """Handed back: the message comes again at once, here or elsewhere, with the same ``attempt``."""
        self._decide(Verdict.RELEASE)

    def _decide(self, verdict: Verdict, delay: float = 0.0, reason: str = "") -> None:
        if self.verdict is None:
            self.verdict, self.delay, self.reason = verdict, delay, reason
            if self.on_verdict is not None:
                self.on_verdict(self)


class HeadedDelivery(Delivery):
    """A delivery whose headers came with it, because they were kept beside its body."""

    __slots__ = ("_kept",)

    def __init__(self, kept: dict[str, str], *facts: Any) -> None:
        super().__init__(*facts)
        self._kept = kept

    def _said(self) -> dict[str, str]:
        return self._kept


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """
    A message that was given up.

    ``attempts`` counts its failed runs, ``time`` is when it was buried (seconds since the epoch, UTC), ``body`` is what
    was sent, unchanged; ``id`` names it on the server.
    """

    queue: str
    body: bytes
    reason: str
    attempts: int
    time: float = field(default_factory=lambda: wallclock.now().timestamp())
    id: str = ""


_FACTS: Mapping[str, tuple[type, ...]] = {
    "body": (bytes,),
    "reason": (str,),
    "attempts": (int,),
    "time": (float, int),
    "id": (str,),
}


def check_letter(letter: Any, queue: str) -> None:
    """
    See that it is a dead letter of a queue, as the broker gave it; its body is not shown.

    :raises ConfigurationError: if it is none, or was spoilt where somebody kept it
    """
    if not isinstance(letter, DeadLetter):
        hint = ": give them one by one, with a * before them" if type(letter) in (list, tuple) else ""
        what = type(letter).__name__
        raise ConfigurationError(f"queue '{queue}': a {what} is no dead letter, as dead() gives them{hint}")
    if letter.queue != queue:
        raise ConfigurationError(f"a dead letter of queue {arguments.shown(letter.queue)} is none of queue '{queue}'")
    for name, types in _FACTS.items():
        if not isinstance(getattr(letter, name), types):
            fault = f"{name} is of type {type(getattr(letter, name)).__name__}"
            raise ConfigurationError(
                f"queue '{queue}': a dead letter is to be as dead() gave it, and this one's {fault}"
            )
    if not math.isfinite(letter.time):
        raise ConfigurationError(
            f"queue '{queue}': a dead letter is to be as dead() gave it, and its time {letter.time}"
        )
