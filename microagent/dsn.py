"""Data source names: ``scheme://user:password@host:port/path?option=value``."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import parse_qsl, unquote

from microagent.errors import ConfigurationError
from microagent.names import guess

HIDDEN: Final = "***"

# RFC 3986, appendix B; urlsplit() refuses an authority of several hosts as soon as one is an IPv6 address.
_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?P<fragment>#.*)?",
    re.DOTALL,
)
_PATHS = "local|memory|unix|file"  # behind these a path begins at once, and may hold anything
_PASSWORD = re.compile(
    rf"^((?:{_PATHS})://[^/:@?#]*:|(?!(?:{_PATHS})://)[^:/?#]+://[^:@]*:|(?!.*://)[^:/?#@]*:).*@",
    re.DOTALL | re.IGNORECASE,
)
_OPTION = re.compile(r"([?&;])([^=&;#]*)=[^&;#]*")
_SECRET = re.compile(r"pass?w|pass|psw|pwd|secret|token|credential|api_?key", re.IGNORECASE)


def masked(dsn: str) -> str:
    """
    The DSN with its password, and options that look like secrets, replaced by ``***``.

    If a password holds ``@``, ``/`` or ``?`` that should have been escaped, too much is hidden rather than too little.
    """
    return _OPTION.sub(_option, _PASSWORD.sub(rf"\1{HIDDEN}@", dsn))


def _option(found: re.Match[str]) -> str:
    mark, name = found.groups()
    return f"{mark}{name}={HIDDEN}" if _SECRET.search(unquote(name)) else found[0]


def hide(text: str, dsn: object) -> str:
    """A text about a DSN, such as a driver's error message, with the DSN's secrets replaced by ``***``."""
    if isinstance(dsn, str) and dsn:
        text = text.replace(dsn, masked(dsn))
        for secret in _secrets(dsn):
            text = text.replace(secret, HIDDEN)
    return text


def _secrets(dsn: str) -> list[str]:
    """The secrets in a DSN, percent-encoded and decoded, the longest first."""
    parts = _PARTS.fullmatch(dsn)
    if parts is None:
        return []
    written = [parts["authority"].rpartition("@")[0].partition(":")[2]]
    options = [option.partition("=") for option in re.split("[&;]", parts["query"] or "")]
    written += [value for name, _, value in options if _SECRET.search(unquote(name))]
    return sorted({secret for each in written for secret in (each, unquote(each)) if secret}, key=len, reverse=True)


def check_dsn(dsn: str, schemes: Collection[str], owner: str) -> None:
    """
    Check the DSN that is passed to a bus or broker.

    :param schemes: the schemes that it accepts; empty: any string
    :param owner: name of its class, for the error
    :raises ConfigurationError: if it is not a DSN, or has another scheme
    """
    if not isinstance(dsn, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        raise ConfigurationError(f"{owner} takes a DSN as a string, not {type(dsn).__name__}")
    if not schemes:
        return
    scheme = DSN.parse(dsn).scheme
    if scheme not in schemes:
        wanted = ", ".join(f"{name}://" for name in sorted(schemes))
        raise ConfigurationError(f"{masked(dsn)!r} is no DSN of {owner}, which takes {wanted}{guess(scheme, schemes)}")


@dataclass(frozen=True, slots=True)
class DSN:
    """
    The parts of a DSN, percent-decoded.

    :ivar hosts: pairs of host and port (None: the default); several for a cluster, ``kafka://a:9092,b:9092``
    :ivar path: begins with ``/``, or is empty
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
        Parse a DSN.

        :raises ConfigurationError: if it has no scheme, the port is not a number, or a password is not escaped
        """
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise ConfigurationError(f"{masked(text)!r} is no DSN: it has to start with a scheme, such as local://")
        if _is_cut(parts):
            raise ConfigurationError(
                f"{masked(text)!r} is no DSN: '/', '?', '#' and '@' in a user name or password have to be written as "
                "%2F, %3F, %23 and %40"
            )
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


def _is_cut(parts: re.Match[str]) -> bool:
    """Whether part of the user name or password ended up after the host, because it was not escaped."""
    if re.fullmatch(_PATHS, parts["scheme"], re.IGNORECASE):
        return False
    begun = ":" in parts["authority"] and "@" not in parts["authority"]
    behind = parts["path"] + (parts["query"] or "").partition("=")[0]
    return parts["fragment"] is not None or (begun and "@" in behind)


def _host(text: str) -> tuple[str, int | None]:
    """``name:port``, ``name`` or ``[IPv6]:port``."""
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", text)
    if found is None:
        raise ValueError(text)
    name, port = found.groups()
    return unquote(name.strip("[]")), int(port) if port else None


@dataclass(frozen=True, slots=True)
class Backend:
    """The import paths of the bus and the broker for a scheme; None: there is none."""

    bus: str | None
    broker: str | None


_MEMORY = Backend("microagent.tools.memory.MemorySignalBus", "microagent.tools.memory.MemoryBroker")
_LOCAL = Backend("microagent.tools.local.LocalSignalBus", "microagent.tools.local.LocalBroker")
_REDIS = Backend("microagent.tools.redis.RedisSignalBus", "microagent.tools.redis.RedisBroker")
_AMQP = Backend(None, "microagent.tools.amqp.AMQPBroker")
_KAFKA = Backend(None, "microagent.tools.kafka.KafkaBroker")

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
    The import path of the signal bus for a DSN.

    :raises ConfigurationError: if the scheme is unknown, or has no signal bus
    """
    return _path(dsn, "signal bus", {scheme: backend.bus for scheme, backend in BACKENDS.items()})


def broker_path(dsn: str) -> str:
    """
    The import path of the queue broker for a DSN.

    :raises ConfigurationError: if the scheme is unknown, or has no queue broker
    """
    return _path(dsn, "queue broker", {scheme: backend.broker for scheme, backend in BACKENDS.items()})


def _path(dsn: str, kind: str, paths: Mapping[str, str | None]) -> str:
    scheme = DSN.parse(dsn).scheme
    path = paths.get(scheme)
    if path is None:
        known = [name for name, found in paths.items() if found is not None]
        raise ConfigurationError(f"no {kind} for {masked(dsn)!r}, only for {', '.join(known)}{guess(scheme, known)}")
    return path
