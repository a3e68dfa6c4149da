"""Mocks of bus and broker, for tests of agents."""

from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock, NonCallableMagicMock

from microagent.broker import AbstractQueueBroker, BoundQueue
from microagent.bus import AbstractSignalBus, BoundSignal

if TYPE_CHECKING:

    class BusMock(AbstractSignalBus):
        """A mock of a signal bus: every signal is a mock of a :class:`BoundSignal` that records its calls."""

        _open: Any = None
        _close: Any = None
        _publish: Any = None
        _subscribe: Any = None
        _unsubscribe: Any = None
        _receive: Any = None

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

    class BrokerMock(AbstractQueueBroker):
        """A mock of a queue broker: every queue is a mock of a :class:`BoundQueue` that records its calls."""

        _open: Any = None
        _close: Any = None
        _push: Any = None
        _take: Any = None
        _wait: Any = None
        _settle: Any = None
        _renew: Any = None
        _maintain: Any = None
        _length: Any = None
        _dead: Any = None
        _resend: Any = None
        _discard: Any = None

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

else:

    class _Mock(AsyncMock):
        _backend: type
        _bound: object  # an instance: its methods' signatures are checked without `self`
        _mock: type

        def __init__(self, /, *args, **options):
            super().__init__(*args, **options)
            self.__getitem__ = getattr  # mock["name"] is mock.name

        def _get_child_mock(self, /, **options):
            name = options.get("name")
            if name is None or name.startswith("_") or hasattr(self._backend, name):
                return super()._get_child_mock(**options)
            return self._mock(spec=self._bound, _eat_self=False, **options)

        def _join(self, owner):
            pass

        def _info(self):
            return {"backend": type(self).__name__, "healthy": True}

    class BusMock(_Mock):
        """A mock of a signal bus: every signal is a mock of a :class:`BoundSignal` that records its calls."""

        _backend = AbstractSignalBus
        _bound = BoundSignal(None, None)
        _mock = NonCallableMagicMock

    class BrokerMock(_Mock):
        """A mock of a queue broker: every queue is a mock of a :class:`BoundQueue` that records its calls."""

        _backend = AbstractQueueBroker
        _bound = BoundQueue(None, None)
        _mock = AsyncMock  # `await broker.mailer(...)` is short for `send`

    AbstractSignalBus.register(BusMock)
    AbstractQueueBroker.register(BrokerMock)
