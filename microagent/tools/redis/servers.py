"""Where Redis is: one server, the master that Sentinels name, or the nodes of a cluster."""

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
"""The kernel asks the server's kernel, which costs us nothing: a machine that is gone is noticed in five seconds."""


class Address(NamedTuple):
    """Of one server; a Unix socket has none."""

    host: str = ""
    port: int = 0


class Servers(abc.ABC):
    """
    The servers behind a DSN.

    :ivar counts_receivers: whether the answer to PUBLISH is how many processes there are
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
        Find out which servers there are.

        :raises BackendConnectionError: if nobody tells
        """

    @abc.abstractmethod
    def address(self, key: str) -> Address:
        """Of the server that holds ``key``, as it was found."""

    def line(self, address: Address, left: Callable[[], None] = lambda: None) -> Line:
        """
        A connection to one of them, not open yet.

        :param left: called when somebody else ends it, while nobody waits for anything
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
        """Before redis-py 6, the driver believes a certificate for any host."""
        wanted = self._settings.get("ssl_cert_reqs", "required")
        if issubclass(self._connection_class, SSLConnection) and wanted != "none":
            self._settings.setdefault("ssl_check_hostname", True)

    def _connection(self, **place: Any) -> Any:
        return self._connection_class(**{**self._settings, **place, "retry": Retry(NoBackoff(), 0)})


def _told(error: Exception) -> str:
    """What the driver says about a DSN; it names options and never their values."""
    text = str(error).removeprefix("AbstractConnection.__init__() ")
    return text.replace("got an unexpected keyword argument", "it has no option")


class SingleServer(Servers):
    """``redis://``, ``rediss://``, ``unix://``."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, dsn)
        parts = DSN.parse(dsn)
        if parts.scheme != "unix" and not re.fullmatch(r"(/\d*)?", parts.path):
            raise ConfigurationError(f"{masked(dsn)!r}: the path is the number of a database, such as /0")

    async def find(self) -> None:
        pass

    def address(self, key: str) -> Address:
        return Address()


class Sentinels(Servers):
    """``redis+sentinel://host:26379,host:26379/master/db``: whom the first Sentinel that knows names the master."""

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
        unnamed = {"username": None, "password": None, "db": 0}  # those are of the master
        line = Line(self._connection(**sentinel._asdict(), **unnamed))
        (answer,) = await _asked(line, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)
        if answer is None:
            raise BackendConnectionError(f"the Sentinel at {sentinel.host}:{sentinel.port} knows no {self._name!r}")
        host, port = answer
        return Address(host.decode(), int(port))

    def address(self, key: str) -> Address:
        return self._master


class Cluster(Servers):
    """``redis+cluster://host:6379,host:6379``: every key is on the node that has its slot."""

    counts_receivers = False

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, _single_url(dsn, path=""))
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
    """A node that does not know its own name is the one that was asked."""
    host, port = told[:2]
    return Address(host.decode() if host else asked.host, port)


def _single_url(dsn: str, path: str) -> str:
    """The DSN of the first server, with a scheme that the driver knows."""
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
    """What the first of them answers that does."""
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
