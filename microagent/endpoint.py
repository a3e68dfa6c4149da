"""What bus and broker have in common: a connection to a server, shared by the agents that use it."""

import abc
import logging
import uuid
from types import TracebackType
from typing import ClassVar, Self

from microagent import arguments
from microagent.admission import Admission, ValidationMode
from microagent.dsn import check_dsn
from microagent.link import Link


class Endpoint(abc.ABC):
    """
    Base of signal buses and queue brokers.

    It connects when it is first used, and again after every lost connection.
    """

    SCHEMES: ClassVar[frozenset[str]] = frozenset()
    """Schemes of the DSNs that it accepts; empty: any DSN."""

    dsn: str
    """The DSN as given, including its password."""

    uid: str
    """Identifies this bus or broker among others."""

    log: logging.Logger

    def __init__(
        self,
        dsn: str,
        uid: str | None,
        log: logging.Logger,
        *,
        validate: ValidationMode,
        formats: bool,
        send_timeout: float,
    ) -> None:
        check_dsn(dsn, self.SCHEMES, type(self).__name__)
        self.dsn = dsn
        self.uid = arguments.name("" if uid is None else uid, "uid") or uuid.uuid4().hex
        self.log = arguments.logger(log)
        self._admission = Admission(validate, log, formats=formats)
        self._send_timeout = arguments.seconds("send_timeout", send_timeout)
        self._link = Link(repr(self), self._connect, self._close, log)
        self._users: set[object] = set()  # the lifecycles of agents

    @abc.abstractmethod
    async def _open(self) -> None:
        """
        Connect to the server.

        :raises BackendConnectionError: if it cannot be reached; it is tried again
        :raises AuthError: if it rejects the credentials
        """

    @abc.abstractmethod
    async def _close(self) -> None:
        """Release everything that ``_open`` acquired. Can be called twice, and ``_open`` can be called afterwards."""

    @abc.abstractmethod
    async def _connect(self) -> None:
        """Call ``_open``, then restore what the server has to know, such as subscriptions."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Send what is waiting to be sent, and disconnect. Using it afterwards connects again."""

    async def __aenter__(self) -> Self:
        await self._link.ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _join(self, user: object) -> None:
        """Stay open for ``user``, until it calls :meth:`_leave`."""
        self._users.add(user)

    async def _leave(self, user: object) -> None:
        """``user`` needs it no longer; close when the last one leaves."""
        self._users.discard(user)
        if not self._users:
            await self.close()

    def _is_connected(self) -> bool:
        """Whether there is a connection, as far as is known without asking the server."""
        return self._link.is_open
