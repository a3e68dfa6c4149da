"""What a bus and a broker have in common: a server, and a life that is shared by those who use it."""

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
    """One end of what goes to others; it connects at the first use, and again whenever it has to."""

    SCHEMES: ClassVar[frozenset[str]] = frozenset()
    """Of the DSNs that are taken; empty: any text is."""

    dsn: str
    """Where the server is, as it was given, password included."""

    uid: str
    """Its name among others."""

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
        self._owners: set[int] = set()

    @abc.abstractmethod
    async def _open(self) -> None:
        """
        Connect.

        :raises BackendConnectionError: if the server is away
        :raises AuthError: if it refuses us for good
        """

    @abc.abstractmethod
    async def _close(self) -> None:
        """Let go of everything that ``_open`` took; may be called again, and ``_open`` may follow."""

    @abc.abstractmethod
    async def _connect(self) -> None:
        """Open it, and have the server know again all that it has to know."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Send what waits, and let go of the server. Using it afterwards opens it again."""

    async def __aenter__(self) -> Self:
        await self._link.ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _join(self, owner: object) -> None:
        """From now on, it is open for ``owner`` too."""
        self._owners.add(id(owner))

    async def _leave(self, owner: object) -> None:
        """``owner`` is done with it; it closes with the last one."""
        self._owners.discard(id(owner))
        if not self._owners:
            await self.close()

    def _is_connected(self) -> bool:
        """Whether the server is there, as far as that is known without asking it."""
        return self._link.is_open
