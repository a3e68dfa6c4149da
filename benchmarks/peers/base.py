"""What a scenario asks of a peer; runs in the peer's own environment, so it needs the standard library alone."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

Handler = Callable[[float], Awaitable[None]]

PAYLOAD: dict[str, Any] = {
    "user_id": 1234567,
    "name": "Somebody Important",
    "email": "somebody@example.org",
    "tags": "new,paid,eu",
    "at": 0.0,
}


def payload(at: float | None = None) -> dict[str, Any]:
    """Five fields, about 120 bytes; ``at`` is when it was sent, on the clock that all processes share."""
    return {**PAYLOAD, "at": time.monotonic() if at is None else at}


class Peer:
    """
    One library on one server; what it cannot do, or nobody would use it for, it does not define.

    A handler is called with the field ``at`` of what came, so it has been decoded.

    :param dsn: of the server
    :param tag: for the names of its signals and queues
    """

    burst: Callable[[str, int], Awaitable[None]] | None = None
    """``burst(what, count)`` sends so many at once, where the library has a word for it other than many tasks."""

    def __init__(self, dsn: str, tag: str) -> None:
        self.dsn = dsn
        self.tag = tag

    async def open(self) -> None:
        """Connect, for sending."""

    async def close(self) -> None:
        """Let go of the server."""

    publish: Callable[[dict[str, Any]], Awaitable[None]]
    """Send a signal; return when the server has it."""
    hearing: Callable[[Handler], AbstractAsyncContextManager[None]]
    """Receive its signals as long as the block runs."""
    hearing_many: Callable[[Handler, int], AbstractAsyncContextManager[None]]
    """The same in one agent that has so many receivers, each of another signal."""
    call: Callable[[dict[str, Any]], Awaitable[None]]
    """Call, and return when the answer is there."""
    answering: Callable[[], AbstractAsyncContextManager[None]]
    """Answer calls."""
    enqueue: Callable[[dict[str, Any]], Awaitable[None]]
    """Send a message to the queue; return when the server has it."""
    consuming: Callable[[Handler, int | None], AbstractAsyncContextManager[None]]
    """Consume the queue, with so many handlers at once or as many as the library has by default."""
    stock: Callable[[int, bytes], None]
    """Let copies of a body wait in the queue, without sending each."""
    decode: Callable[[bytes], Any]
    """A payload from its bytes, checked."""
