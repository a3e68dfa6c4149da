"""Data source names: ``scheme://user:password@host:port/path?option=value``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import parse_qsl, unquote

from microagent.errors import ConfigurationError
from microagent.names import guess

HIDDEN: Final = "***"

# RFC 3986, appendix B; urlsplit() refuses an authority of several hosts as soon as one is an IPv6 address.
_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.DOTALL,
)
_PASSWORD = re.compile(r"^([^:/?#]+://[^/:@?#]*:).*@", re.DOTALL)
_SECRET_OPTION = re.compile(
    r"([?&;][^=&;#]*(?:pass|pwd|secret|token|credential|api_?key)[^=&;#]*=)[^&;#]*",
    re.IGNORECASE,
)


def masked(dsn: str) -> str:
    """
    The DSN as it may be shown: password and password-like options hidden.

    It hides too much rather than too little when a password holds ``@``, ``/`` or ``?`` that should have been escaped.
    """
    return _SECRET_OPTION.sub(rf"\1{HIDDEN}", _PASSWORD.sub(rf"\1{HIDDEN}@", dsn))


@dataclass(frozen=True, slots=True)
class DSN:
    """
    A DSN in its parts, percent-encoding decoded.

    ``hosts`` holds more than one for a cluster (``kafka://a:9092,b:9092``); ``path`` begins with ``/`` or is empty.
    """

    scheme: str
    hosts: tuple[tuple[str, int | None], ...] = ()
    path: str = ""
    username: str | None = None
    password: str | None = None
    options: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        The parts of ``text``.

        :raises ConfigurationError: if it has no scheme, or a port that is no number
        """
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise ConfigurationError(f"{masked(text)!r} is no DSN: it has to begin with a scheme, such as local://")
        user, _, hosts = parts["authority"].rpartition("@")
        username, colon, password = user.partition(":")
        try:
            return cls(
                scheme=parts["scheme"].lower(),
                hosts=tuple(_host(item) for item in hosts.split(",") if item),
                path=unquote(parts["path"]),
                username=unquote(username) or None,
                password=unquote(password) if colon else None,
                options=dict(parse_qsl(parts["query"] or "", keep_blank_values=True)),
            )
        except ValueError:
            raise ConfigurationError(f"{masked(text)!r} is no DSN: its host or port cannot be read") from None

    def __repr__(self) -> str:
        return f"<DSN {self.scheme}://{','.join(host for host, _ in self.hosts)}{self.path}>"


def _host(text: str) -> tuple[str, int | None]:
    """``name:port``, ``name`` or ``[IPv6]:port``."""
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", text)
    if found is None:
        raise ValueError(text)
    name, port = found.groups()
    return unquote(name.strip("[]")), int(port) if port else None


@dataclass(frozen=True, slots=True)
class Backend:
    """What serves a scheme: import paths of its bus and broker (None: it has none), and the extra with its driver."""

    bus: str | None
    broker: str | None
    extra: str | None = None


_MEMORY = Backend("microagent.tools.memory.MemorySignalBus", "microagent.tools.memory.MemoryBroker")
_LOCAL = Backend("microagent.tools.local.LocalSignalBus", "microagent.tools.local.LocalBroker")
_REDIS = Backend("microagent.tools.redis.RedisSignalBus", "microagent.tools.redis.RedisBroker", extra="redis")
_AMQP = Backend(None, "microagent.tools.amqp.AMQPBroker", extra="amqp")
_KAFKA = Backend(None, "microagent.tools.kafka.KafkaBroker", extra="kafka")

BACKENDS: Final[Mapping[str, Backend]] = MappingProxyType(
    {
        "memory": _MEMORY,
        "local": _LOCAL,
        "redis": _REDIS,
        "rediss": _REDIS,
        "unix": _REDIS,
        "redis+sentinel": _REDIS,
        "rediss+sentinel": _REDIS,
        "redis+cluster": _REDIS,
        "rediss+cluster": _REDIS,
        "amqp": _AMQP,
        "amqps": _AMQP,
        "kafka": _KAFKA,
    }
)


def bus_path(dsn: str) -> str:
    """
    The import path of the signal bus for this DSN.

    :raises ConfigurationError: if the scheme is unknown, or its server is none for signals
    """
    return _path(dsn, "signal bus", {scheme: backend.bus for scheme, backend in BACKENDS.items()})


def broker_path(dsn: str) -> str:
    """
    The import path of the queue broker for this DSN.

    :raises ConfigurationError: if the scheme is unknown, or its server is none for queues
    """
    return _path(dsn, "queue broker", {scheme: backend.broker for scheme, backend in BACKENDS.items()})


def _path(dsn: str, kind: str, paths: Mapping[str, str | None]) -> str:
    scheme = DSN.parse(dsn).scheme
    path = paths.get(scheme)
    if path is None:
        known = [name for name, found in paths.items() if found is not None]
        raise ConfigurationError(f"no {kind} for {masked(dsn)!r}, only for {', '.join(known)}{guess(scheme, known)}")
    return path
