"""The signal bus: publish, subscribe and call, on top of a backend that moves bytes."""

import abc
import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypedDict

from microagent import arguments
from microagent.admission import ValidationMode
from microagent.batch import Batcher
from microagent.calls import Calls, Reply, Waiter
from microagent.channel import RESPONSE, UNSAFE_IN_SENDER, Channel, Pattern, called_on, received_on, sent_on
from microagent.dispatch import Dispatch
from microagent.dsn import masked
from microagent.endpoint import Endpoint
from microagent.errors import BackendConnectionError, ConfigurationError, SignalSerializingError
from microagent.execution import describe
from microagent.signal import Receiver, Signal
from microagent.tasks import Kept, Tasks

__all__ = ["AbstractSignalBus", "BoundSignal", "BusOptions", "Receiver", "Signal"]

PORTION = 10  # replies that are worth a write of their own

Publication = tuple[str, bytes]
Reached = Sequence[int | Exception | None]


class BusOptions(TypedDict, total=False):
    """What every bus takes by name, beside what is its own: see :class:`AbstractSignalBus`."""

    validate: ValidationMode
    formats: bool
    send_timeout: float


class BoundSignal:
    """A signal on a bus: ``bus.user_created``."""

    __slots__ = ("bus", "signal")

    bus: "AbstractSignalBus"
    signal: Signal

    def __init__(self, bus: "AbstractSignalBus", signal: Signal) -> None:
        self.bus = bus
        self.signal = signal

    def __repr__(self) -> str:
        return f"<{self.signal.name} on {self.bus!r}>"

    async def send(self, sender: str, **kwargs: Any) -> None:
        """
        Publish the signal; whoever listens now gets it, at most once.

        :param sender: who sends it; a part of the channel's name, so without ``:``, ``#`` and ``*?[]``
        :raises SignalSerializingError: if the arguments cannot be sent
        :raises BackendConnectionError: if the server stays away for ``send_timeout``
        """
        await self.bus._outbox.add((self._channel(sender), self._body(kwargs)))

    async def call(self, sender: str, *, timeout: float = 60, **kwargs: Any) -> dict[str, Any]:
        """
        The first reply: ``{"Class.method": value}``, with the value of every handler of the process that replied.

        :param timeout: seconds to wait for it
        :raises ConfigurationError: if ``timeout`` is no such number
        :raises TimeoutError: if none came in time
        :raises NoReceivers: if nobody listens, where the backend can tell
        :raises RemoteError: if every handler that replied failed
        """
        return await self.bus._waiter(self._channel(sender), self._body(kwargs), timeout).ask(self.signal.name)

    def waiter(self, sender: str, *, timeout: float = 60, **kwargs: Any) -> Waiter[Any]:
        """
        The replies of all processes, as they come: ``async with ... as replies: async for reply in replies``.

        :param timeout: seconds after which iterating ends
        """
        return self.bus._waiter(self._channel(sender), self._body(kwargs), timeout)

    def _channel(self, sender: str) -> str:
        try:
            return sent_on(self.bus.prefix, self.signal.name, sender)
        except (ValueError, TypeError):  # callers may be untyped
            told = arguments.shown(sender)
        raise SignalSerializingError(
            f"sender {told} of signal '{self.signal.name}': it is a text without spaces and : # * ? [ ] \\"
        )

    def _body(self, data: dict[str, Any]) -> bytes:
        return self.bus._admission.sending(self.signal, data, SignalSerializingError)


class AbstractSignalBus(Endpoint):
    """
    Signals between processes. Every declared signal is an attribute::

        bus = LocalSignalBus("local://")
        await bus.user_created.send("user_agent", user_id=1)

    Nothing connects before the first ``await``.

    :param dsn: where the server is
    :param uid: names this bus among others; without it, a random one
    :param prefix: begins every channel; projects that share a server have different ones
    :param log: a logger
    :param validate: ``"warn"``, ``"strict"`` or ``"off"``: what happens to arguments that do not fit their declaration
    :param formats: whether ``format`` in a declaration is part of it; else it only tells people something
    :param send_timeout: seconds to go on trying to connect before ``send`` raises
    """

    prefix: str
    """What every channel begins with."""

    receivers: dict[str, list[Receiver]]
    """Those that are bound, by the names of their signals."""

    def __init__(
        self,
        dsn: str,
        uid: str | None = None,
        prefix: str = "PUBSUB",
        log: logging.Logger = logging.getLogger("microagent.bus"),  # noqa: B008 - the manual's signature
        *,
        validate: ValidationMode = "warn",
        formats: bool = False,
        send_timeout: float = 10.0,
    ) -> None:
        self.prefix = arguments.name(prefix, "prefix")
        super().__init__(dsn, uid, log, validate=validate, formats=formats, send_timeout=send_timeout)
        self.receivers = {}
        if UNSAFE_IN_SENDER.search(self.uid):  # replies travel under it
            raise ConfigurationError(f"uid {arguments.shown(uid)}: it is a text without spaces and : # * ? [ ] \\")
        self._tasks = Tasks(log)
        self._calls = Calls(self.uid, log)
        self._dispatch = Dispatch(log, self._admission, self._reply)
        self._outbox: Batcher[Publication, int | None] = Batcher(
            self._flush, unheard=self._reply_failed, begin=self._begin_flush
        )
        self._replies = Pattern(f"{self.prefix}:{RESPONSE}:", f"#{self.uid}.")
        self._patterns: dict[Pattern, None] = {}
        self._confirmed: set[Pattern] = set()
        self._reader: Kept | None = None
        self._failing = False
        self._is_lone = False  # the signal that is being handed out has come alone
        self._portion = PORTION  # replies that are sent without waiting for more of them

    # -- what a backend does

    @abc.abstractmethod
    async def _publish(self, batch: Sequence[Publication]) -> Reached:
        """
        Publish each ``(channel, body)``, in order, in one round trip.

        :return: for each how many processes it reached (None: cannot be told), or why it failed
        :raises BackendConnectionError: if nothing was written, so that it may be tried again
        """

    @abc.abstractmethod
    async def _subscribe(self, patterns: Sequence[Pattern]) -> None:
        """Subscribe to some more; return when the server has confirmed it."""

    @abc.abstractmethod
    async def _unsubscribe(self, patterns: Sequence[Pattern]) -> None:
        """Give up some subscriptions."""

    @abc.abstractmethod
    async def _receive(self) -> Sequence[Publication]:
        """
        The next ``(channel, body)`` of all subscriptions, at least one; may be cancelled without loss.

        A backend that hands out what comes in the turn that reads it (:meth:`_hand_out`) gives nothing here; it waits
        for the end of the connection.

        :raises BackendConnectionError: if the connection is gone
        """

    def _begin(self, batch: Sequence[Publication], told: Callable[[Reached | None], None], *, idly: bool) -> bool:
        """
        Publish at once, where that can be done without waiting for anything but the answer; whether it is done.

        :param told: called with what :meth:`_publish` gives, or with None where that raises; later, where not ``idly``
        :param idly: nobody waits for the answer
        """
        return False

    # -- sending

    def __getattr__(self, name: str) -> BoundSignal:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        bound = BoundSignal(self, Signal.get(name))
        setattr(self, name, bound)  # the next time, it is an attribute like any other
        return bound

    def __getitem__(self, name: str) -> BoundSignal:
        """
        The signal of this name, on this bus.

        :raises SignalNotFound: if none is declared
        """
        return BoundSignal(self, Signal.get(name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({masked(self.dsn)!r}, prefix={self.prefix!r})"

    async def send(self, channel: str, message: str | bytes) -> None:
        """
        Publish a raw message.

        :param channel: its full name, ``{prefix}:{signal}:{sender}``
        :param message: a serialized JSON object
        """
        await self._outbox.add((arguments.name(channel, "channel"), arguments.payload(message, "message")))

    def call(self, channel: str, message: str | bytes, timeout: float = 60) -> Waiter[Any]:
        """The replies to a raw message, as an asynchronous context manager; see :meth:`BoundSignal.waiter`."""
        parsed = Channel.parse(arguments.name(channel, "channel"), self.prefix)
        body = arguments.payload(message, "message")
        return self._waiter(str(parsed._replace(request_id=None)), body, timeout)

    def _waiter(self, channel: str, body: bytes, timeout: float) -> Waiter[Any]:
        async def publish(request_id: str) -> int | None:
            await self._ensure([self._replies], asyncio.get_running_loop().time() + self._send_timeout)
            return await self._outbox.add((called_on(channel, request_id), body))

        def begin(request_id: str, loop: asyncio.AbstractEventLoop) -> asyncio.Future[int | None] | None:
            if not self._hears(self._replies, loop):
                return None
            is_lone = len(self._calls) == 1  # its reply comes before anybody misses the answer to it
            return self._outbox.add((called_on(channel, request_id), body), idly=is_lone)

        return Waiter(self._calls, publish, arguments.seconds("timeout", timeout), begin)

    def _reply(self, call: Channel, reply: Reply) -> None:
        assert call.request_id is not None, "only calls are replied to"
        channel = called_on(sent_on(self.prefix, RESPONSE, self.uid), call.request_id)
        self._outbox.post((channel, reply.encode(call.request_id)), idly=self._is_lone)
        if len(self._outbox) == self._portion:  # callers go on with these while the others are answered
            self._outbox.begin_now()

    def _reply_failed(self, error: Exception) -> None:
        self.log.warning("%r: a reply could not be sent: %s", self, describe(error))

    def _begin_flush(self, batch: list[Publication], told: Callable[[Reached | None], None], idly: bool) -> bool:
        return self._link.is_steady(self._outbox.loop) and self._begin(batch, told, idly=idly)

    async def _flush(self, batch: list[Publication], since: float) -> Reached:
        return await self._link.through(partial(self._publish, batch), since + self._send_timeout, repeatable=False)

    # -- receiving

    async def bind(self, signal: str) -> None:
        """
        Subscribe to all channels of a signal; return when the server has confirmed it.

        :param signal: its name
        """
        await self._ensure([self._pattern(arguments.name(signal, "signal"))])

    async def bind_receiver(self, receiver: Receiver) -> None:
        """
        Bind a receiver of an agent, and subscribe to its signal.

        :raises ConfigurationError: if it is no :class:`Receiver`
        """
        await self._bind_receivers(arguments.each_of(Receiver, [receiver], "bind_receiver"))

    async def _bind_receivers(self, receivers: Sequence[Receiver]) -> None:
        for receiver in receivers:
            self.receivers.setdefault(receiver.signal.name, []).append(receiver)
            self._dispatch.add(receiver)
        await self._ensure([self._pattern(receiver.signal.name) for receiver in receivers])

    async def _unbind_receivers(self, receivers: Sequence[Receiver], timeout: float) -> None:
        """Stop listening for these; let their handlers finish within ``timeout`` seconds."""
        for receiver in receivers:
            bound = self.receivers.get(receiver.signal.name, [])
            bound[:] = [other for other in bound if other is not receiver]
        silent = [name for name, bound in self.receivers.items() if not bound]
        for name in silent:
            del self.receivers[name]
        try:
            await self._forget([self._pattern(name) for name in silent])
        finally:
            await self._dispatch.remove(receivers, timeout)

    async def receiver(self, channel: str, message: str | bytes) -> None:
        """Handle a raw message as if it had come from the server."""
        self._incoming(channel, arguments.payload(message, "message"))

    def _pattern(self, signal: str) -> Pattern:
        return Pattern(f"{self.prefix}:{signal}:")

    def _hears(self, pattern: Pattern, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether what is published now would be handed out."""
        is_read = self._reader is not None and self._reader.is_running
        return is_read and self._link.is_steady(loop) and pattern in self._confirmed

    async def _ensure(self, patterns: Iterable[Pattern], deadline: float | None = None) -> None:
        """Return when the server has confirmed these subscriptions."""
        wanted = dict.fromkeys(patterns)
        self._patterns.update(wanted)
        await self._link.ready(deadline)
        while missing := [pattern for pattern in wanted if pattern not in self._confirmed]:
            await self._link.through(partial(self._subscribe, missing), deadline)
            self._confirmed.update(missing)
        self._read_on()

    async def _forget(self, patterns: Sequence[Pattern]) -> None:
        for pattern in patterns:
            self._patterns.pop(pattern, None)
        known = [pattern for pattern in patterns if pattern in self._confirmed]
        self._confirmed.difference_update(known)
        if known:
            with suppress(BackendConnectionError):  # a connection that is gone has no subscriptions
                await self._link.once(partial(self._unsubscribe, known))

    async def _connect(self) -> None:
        self._confirmed.clear()
        await self._open()
        patterns = list(self._patterns)
        if patterns:
            await self._subscribe(patterns)
            self._confirmed.update(patterns)

    def _read_on(self) -> None:
        reader = self._reader
        if reader is not None and reader.is_running and reader.task.get_loop() is asyncio.get_running_loop():
            return
        if reader is not None:
            reader.release()
        self._reader = self._tasks.keep(self._read, f"{self!r}: reader")

    async def _read(self) -> None:
        while True:
            try:
                self._hand_out(await self._link.through(self._receive))
            except Exception:  # the reader never ends: a bus that is deaf helps nobody
                self._failing = True
                self.log.exception("%r: the reader failed, and starts again", self)
                await asyncio.sleep(1)
                self._failing = False

    def _hand_out(self, signals: Sequence[Publication]) -> None:
        """
        To receivers and callers; for backends that are told what comes, and need not wait for it.

        It does not raise, and waits for nothing.
        """
        self._link.got_through()
        self._is_lone = len(signals) == 1
        self._portion = max(len(signals) // 2, PORTION)
        for channel, body in signals:
            self._incoming(channel, body, at_once=self._is_lone)
        self._is_lone = False

    def _incoming(self, text: str, body: bytes, *, at_once: bool = False) -> None:
        try:
            channel = received_on(text, self.prefix)
            if channel.signal == RESPONSE:
                self._calls.reply(channel, body)
            else:
                self._dispatch.deliver(channel, body, at_once=at_once)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one message, the next one counts
            self.log.warning("A message that makes no sense is dropped: %s", describe(error))

    # -- its life

    async def close(self) -> None:
        """Stop receiving, send what waits, and let go of the server. Using the bus afterwards opens it again."""
        receivers = [receiver for bound in self.receivers.values() for receiver in bound]
        self.receivers.clear()
        await self._dispatch.remove(receivers, 0)
        await self._outbox.drain(self._send_timeout)  # after the last handler, which may have been called
        await self._outbox.cancel()
        await self._tasks.cancel()
        self._calls.rest()
        self._patterns.clear()
        self._confirmed.clear()
        await self._link.close()

    def _info(self) -> dict[str, Any]:
        return {
            "backend": type(self).__name__,
            "dsn": masked(self.dsn),
            "uid": self.uid,
            "prefix": self.prefix,
            "connected": self._is_connected(),
            "healthy": self._is_healthy(),
        }

    def _is_healthy(self) -> bool:
        """Whether it can do what it was asked for; there is nothing wrong with a bus that nobody has needed yet."""
        reading = self._reader is not None and self._reader.is_running and not self._failing
        return self._link.is_idle or (self._is_connected() and (reading or not self._patterns))
