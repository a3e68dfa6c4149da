"""Typed faces over any bus or broker: what generated contracts are made of."""

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
        """A signal of a generated module: ``B_co`` is what a bus binds it to, ``H_co`` what ``receiver`` accepts."""

        def __new__(cls, name: str, *, declared: str) -> Self: ...

    class TypedQueue(Queue, Generic[B_co, H_co]):
        """A queue of a generated module: ``B_co`` is what a broker binds it to, ``H_co`` what ``consumer`` accepts."""

        def __new__(cls, name: str, *, declared: str) -> Self: ...

    class TypedBoundSignal(Generic[R_co]):
        """A signal bound to a bus; ``send``, ``call`` and ``waiter`` are in the generated subclass."""

    class TypedBoundQueue(Generic[M_contra]):
        """A queue bound to a broker, its messages being of one type."""

        async def send(self, message: M_contra, *, delay: float = 0, **options: Any) -> None:
            """
            Hand the message over; when this returns, the server has it.

            :param delay: seconds before which no consumer gets it
            :param options: for the backend
            """

        async def __call__(self, message: M_contra, *, delay: float = 0, **options: Any) -> None:
            """Short for ``send``."""

        async def length(self) -> int:
            """How many messages wait, those that wait for their next try included."""
            ...

        async def dead(self, limit: int = 100) -> list[DeadLetter]:
            """The oldest messages that were given up."""
            ...

        async def resend(self, *letters: DeadLetter) -> int:
            """Send messages that were given up again, as new ones, and take the letters away; how many there were."""
            ...

        async def discard(self, *letters: DeadLetter) -> int:
            """Take dead letters away for good; how many there were."""
            ...

else:
    # One class serves typed and untyped declarations: the types above exist for checkers alone.
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
    A backend seen through annotations.

    The annotations of a subclass name what it binds. The first use of a name asks the backend for it, the next finds a
    plain attribute. The names in a face are the contract's: what else belongs to the backend, ``raw(face)`` has.
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
        """Close the backend, for all who share it."""
        await self._raw.close()

    if not TYPE_CHECKING:  # a checker that saw it would accept misspelt names

        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            vars(self)[name] = bound = self._raw[name]
            return bound


class TypedBus(_Face[AbstractSignalBus]):
    """
    Base of a generated ``Bus``: ``Bus(RedisSignalBus(dsn)).user_created.send("sender", user_id=1)``, checked.

    ``bus["name"]`` is the door to signals that are known at run time alone.
    """

    def __getitem__(self, name: str) -> BoundSignal:
        return self._raw[name]


class TypedBroker(_Face[AbstractQueueBroker]):
    """
    Base of a generated ``Broker``: ``Broker(RedisBroker(dsn)).mailer.send({"text": "Hi"})``, checked.

    ``broker["name"]`` is the door to queues that are known at run time alone.
    """

    def __getitem__(self, name: str) -> BoundQueue:
        return self._raw[name]


@overload
def raw(face: AbstractSignalBus | TypedBus) -> AbstractSignalBus: ...
@overload
def raw(face: AbstractQueueBroker | TypedBroker) -> AbstractQueueBroker: ...
def raw(face: Any) -> Any:
    """The backend behind a face; a backend is its own."""
    return face._raw if isinstance(face, TypedBus | TypedBroker) else face
