"""The Redis servers behind a DSN: a single one, the master that Sentinel names, or the nodes of a cluster."""

import abc
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio.connection import Connection as TCPConnection
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot

from microagent.dsn import DSN, masked
from microagent.errors import BackendConnectionError, BackendError, ConfigurationError
from microagent.tools.redis.line import Line, checked
from microagent.trust import unusable

PORT = 6379
SENTINEL_PORT = 26379

_OURS: Mapping[str, Any] = {
    "protocol": 2,
    "client_name": "microagent",
    "socket_timeout": None,  # a line has its own patience
    "socket_connect_timeout": None,
    "retry_on_error": [],
    "decode_responses": False,
}
_KEPT_ALIVE: Mapping[str, Any] = {
    "socket_keepalive": True,
    "socket_keepalive_options": {
        getattr(socket, name): value
        for name, value in (("TCP_KEEPIDLE", 2), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 3))
        if hasattr(socket, name)
    },
}
"""TCP keepalive, so that a machine that vanished is noticed within five seconds."""


class Address(NamedTuple):
    """Host and port of one server; empty for a Unix socket."""

    host: str = ""
    port: int = 0


class Servers(abc.ABC):
    """
    The servers behind a DSN.

    :ivar counts_receivers: whether PUBLISH returns the number of receivers in all of the deployment
    """

    counts_receivers = True

    def __init__(self, dsn: str, url: str) -> None:
        self._dsn = dsn
        try:
            self._settings: dict[str, Any] = {**cast("dict[str, Any]", parse_url(url)), **_OURS}
            self._connection_class: Any = self._settings.pop("connection_class", TCPConnection)
            if issubclass(self._connection_class, TCPConnection):
                self._settings = {**_KEPT_ALIVE, **self._settings}
            self._check_host_names()
            self._connection()
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{masked(dsn)!r} cannot be used with Redis: {_told(error)}") from None

    @abc.abstractmethod
    async def find(self) -> None:
        """
        Find the servers.

        :raises BackendConnectionError: if none of those in the DSN answers
        """

    @abc.abstractmethod
    def address(self, key: str) -> Address:
        """The address of the server that holds ``key``, as of the last :meth:`find`."""

    def line(self, address: Address, left: Callable[[], None] = lambda: None) -> Line:
        """
        A connection to one of the servers, not open yet.

        :param left: called when the connection ends while no answer is awaited
        :raises ConfigurationError: if a certificate file cannot be used
        """
        connection = self._connection(**(address._asdict() if address.host else {}))
        if hasattr(connection, "ssl_context"):
            try:
                connection.ssl_context.get()
            except OSError as error:
                raise unusable(error) from error
        return Line(connection, left)

    def _check_host_names(self) -> None:
        """redis-py before version 6 does not check host names unless told to."""
        wanted = self._settings.get("ssl_cert_reqs", "required")
        if issubclass(self._connection_class, SSLConnection) and wanted != "none":
            self._settings.setdefault("ssl_check_hostname", True)

    def _connection(self, **place: Any) -> Any:
        return self._connection_class(**{**self._settings, **place, "retry": Retry(NoBackoff(), 0)})


def _told(error: Exception) -> str:
    """The driver's message about a DSN; it contains names of options, and never their values."""
    text = str(error).removeprefix("AbstractConnection.__init__() ")
    return text.replace("got an unexpected keyword argument", "it has no option")


class SingleServer(Servers):
    """``redis://``, ``rediss://``, ``unix://``."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, dsn)
        parts = DSN.parse(dsn)
        if parts.scheme != "unix" and not re.fullmatch(r"(/\d*)?", parts.path):
            raise ConfigurationError(f"{masked(dsn)!r}: the path is the number of a database, such as /0")
        if parts.scheme == "unix" and not parts.path:
            raise ConfigurationError(f"{masked(dsn)!r}: the path names the socket, unix:///run/redis.sock")

    async def find(self) -> None:
        pass

    def address(self, key: str) -> Address:
        return Address()


class Sentinels(Servers):
    """``redis+sentinel://host:26379,host:26379/master/db``: the master, as the first Sentinel that answers names it."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, _single_url(dsn, path=DSN.parse(dsn).path.strip("/").partition("/")[2]))
        self._sentinels = _addresses(dsn, SENTINEL_PORT)
        self._name = DSN.parse(dsn).path.strip("/").partition("/")[0]
        self._master = Address()
        if not self._name:
            raise ConfigurationError(
                f"{masked(dsn)!r}: the path names the master, redis+sentinel://host:26379/mymaster"
            )

    async def find(self) -> None:
        self._master = await _first_answer(self._sentinels, self._ask)

    async def _ask(self, sentinel: Address) -> Address:
        anonymous = {"username": None, "password": None, "db": 0}  # those in the DSN are for the master
        line = Line(self._connection(**sentinel._asdict(), **anonymous))
        (answer,) = await _asked(line, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)
        if answer is None:
            raise BackendConnectionError(f"the Sentinel at {sentinel.host}:{sentinel.port} knows no {self._name!r}")
        host, port = answer
        return Address(host.decode(), int(port))

    def address(self, key: str) -> Address:
        return self._master


class Cluster(Servers):
    """``redis+cluster://host:6379,host:6379``: each key is on the node that serves its hash slot."""

    counts_receivers = False

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, _single_url(dsn, path=""))
        if DSN.parse(dsn).path not in ("", "/", "/0"):
            raise ConfigurationError(f"{masked(dsn)!r}: a cluster has no database but 0")
        self._known = _addresses(dsn, PORT)
        self._slots: list[tuple[int, int, Address]] = []

    async def find(self) -> None:
        self._slots = await _first_answer(self._known, self._ask)

    async def _ask(self, node: Address) -> list[tuple[int, int, Address]]:
        (slots,) = await _asked(self.line(node), "CLUSTER", "SLOTS")
        return [(first, last, _node(master, node)) for first, last, master, *_ in slots]

    def address(self, key: str) -> Address:
        slot = key_slot(key.encode())
        for first, last, node in self._slots:
            if first <= slot <= last:
                return node
        raise BackendConnectionError(f"no node of the cluster has the slot {slot}")


def _node(told: Any, asked: Address) -> Address:
    """The address of a node; one without a host is the node that was asked (CLUSTER SLOTS)."""
    host, port = told[:2]
    return Address(host.decode() if host else asked.host, port)


def _single_url(dsn: str, path: str) -> str:
    """The URL of the first server in the DSN, with a scheme that the driver knows."""
    parts = urlsplit(dsn)
    user, at, hosts = parts.netloc.rpartition("@")
    scheme = parts.scheme.partition("+")[0]
    return urlunsplit((scheme, f"{user}{at}{hosts.partition(',')[0]}", f"/{path}", parts.query, ""))


def _addresses(dsn: str, port: int) -> list[Address]:
    return [Address(host, given or port) for host, given in DSN.parse(dsn).hosts]


async def _asked(line: Line, *command: str) -> list[Any]:
    try:
        return checked(await line.ask(command))
    finally:
        await line.drop()


async def _first_answer(addresses: Iterable[Address], ask: Any) -> Any:
    """The answer of the first address that gives one; if none does, the last error is raised."""
    fault: BackendError = BackendConnectionError("the DSN names no host")
    for address in addresses:
        try:
            return await ask(address)
        except BackendConnectionError as error:
            fault = error
    raise fault


SCHEMES = frozenset({"redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"})
_KINDS: Mapping[str, type[SingleServer] | type[Sentinels] | type[Cluster]] = {
    "redis+sentinel": Sentinels,
    "rediss+sentinel": Sentinels,
    "redis+cluster": Cluster,
    "rediss+cluster": Cluster,
}


def servers_of(dsn: str) -> Servers:
    """
    The servers that a DSN names.

    :raises ConfigurationError: if it cannot be read
    """
    return _KINDS.get(DSN.parse(dsn).scheme, SingleServer)(dsn)
