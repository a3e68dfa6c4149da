"""The base classes of generated contracts: typed views of any bus or broker."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

from microagent.broker import AbstractQueueBroker, BoundQueue
from microagent.bus import AbstractSignalBus, BoundSignal
from microagent.delivery import DeadLetter
from microagent.queue import Queue
from microagent.signal import Signal

__all__ = [
    "TypedBoundQueue",
    "TypedBoundSignal",
    "TypedBroker",
    "TypedBus",
    "TypedQueue",
    "TypedSignal",
    "raw",
]

B_co = TypeVar("B_co", covariant=True)
H_co = TypeVar("H_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)
M_contra = TypeVar("M_contra", contravariant=True)

if TYPE_CHECKING:

    class TypedSignal(Signal, Generic[B_co, H_co]):
        """A generated signal; ``B_co`` is the type of ``bus.<name>``, ``H_co`` that of its receivers."""

        def __new__(cls, name: str, *, declared: str) -> Self: ...

    class TypedQueue(Queue, Generic[B_co, H_co]):
        """A generated queue; ``B_co`` is the type of ``broker.<name>``, ``H_co`` that of its consumers."""

        def __new__(cls, name: str, *, declared: str) -> Self: ...

    class TypedBoundSignal(Generic[R_co]):
        """A signal on a bus; the generated subclass adds ``send``, ``call`` and ``waiter``, typed."""

    class TypedBoundQueue(Generic[M_contra]):
        """A queue on a broker whose messages are of type ``M_contra``; see :class:`BoundQueue`."""

        async def send(self, message: M_contra, *, delay: float = 0, **options: Any) -> None:
            """
            Send a message; when this returns, the server has stored it.

            :param delay: seconds until a consumer can get the message
            :param options: those of the backend
            """

        async def __call__(self, message: M_contra, *, delay: float = 0, **options: Any) -> None:
            """Short for ``send``."""

        async def length(self) -> int:
            """The number of waiting messages, those that wait for a retry included."""
            ...

        async def dead(self, limit: int = 100) -> list[DeadLetter]:
            """The oldest dead letters, at most ``limit``; they stay where they are."""
            ...

        async def resend(self, *letters: DeadLetter) -> int:
            """Send the messages of dead letters again, and remove the letters; return how many still existed."""
            ...

        async def discard(self, *letters: DeadLetter) -> int:
            """Delete dead letters; return how many still existed."""
            ...

else:
    # At run time the classes for typed and untyped declarations are the same; those above exist for type checkers.
    TypedSignal, TypedQueue = Signal, Queue
    TypedBoundSignal, TypedBoundQueue = BoundSignal, BoundQueue


class _Backend(Protocol):
    def __getitem__(self, name: str, /) -> Any: ...
    async def close(self) -> None: ...
    async def __aenter__(self) -> object: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> object: ...


RawT = TypeVar("RawT", bound=_Backend)


class _Face(Generic[RawT]):
    """
    A bus or broker as the contracts describe it.

    The annotations of the generated subclass are its attributes; on first use each is bound to the backend and kept.
    Other methods of the backend are reached with :func:`raw`.
    """

    def __init__(self, raw: "RawT | _Face[RawT]") -> None:
        self._raw: RawT = raw._raw if isinstance(raw, _Face) else raw

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._raw!r})"

    async def __aenter__(self) -> Self:
        await self._raw.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._raw.__aexit__(kind, error, trace)

    async def close(self) -> None:
        """Close the bus or broker behind it, for all who share it."""
        await self._raw.close()

    if not TYPE_CHECKING:  # a type checker that saw this would accept misspelt names

        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            vars(self)[name] = bound = self._raw[name]
            return bound


class TypedBus(_Face[AbstractSignalBus]):
    """
    Base of the generated ``Bus``, a typed view of a signal bus::

        bus = Bus(RedisSignalBus("redis://localhost"))
        await bus.user_created.send("sender", user_id=1)  # checked by mypy and pyright

    ``bus["name"]`` returns signals that are only known at run time.
    """

    def __getitem__(self, name: str) -> BoundSignal:
        return self._raw[name]


class TypedBroker(_Face[AbstractQueueBroker]):
    """
    Base of the generated ``Broker``, a typed view of a queue broker::

        broker = Broker(RedisBroker("redis://localhost"))
        await broker.mailer.send({"text": "Hi"})  # checked by mypy and pyright

    ``broker["name"]`` returns queues that are only known at run time.
    """

    def __getitem__(self, name: str) -> BoundQueue:
        return self._raw[name]


@overload
def raw(face: AbstractSignalBus | TypedBus) -> AbstractSignalBus: ...
@overload
def raw(face: AbstractQueueBroker | TypedBroker) -> AbstractQueueBroker: ...
def raw(face: Any) -> Any:
    """The bus or broker behind a generated ``Bus`` or ``Broker``; any other bus or broker is returned unchanged."""
    return face._raw if isinstance(face, TypedBus | TypedBroker) else face
