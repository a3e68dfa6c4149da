"""Read a source of declarations, whoever wrote it and whatever it answers."""

import os
import re
import ssl
import stat

from microagent.dsn import masked
from microagent.errors import LoadingError, UnreachableError
from microagent.names import shown
from microagent.sources.refusals import Away, Refused

TIMEOUT = 10.0
LIMIT = 4 * 1024 * 1024

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def read_source(
    source: str, *, timeout: float = TIMEOUT, limit: int = LIMIT, context: ssl.SSLContext | None = None
) -> bytes:
    """
    The bytes of a source.

    :param source: ``file://`` and a path as it is (nothing in it is percent-decoded), absolute or relative to the
        working directory; or an URL of ``https`` or ``http``. An URL may redirect, up to three times, never to a file
        and never from ``https`` to ``http``; no proxy is asked
    :param timeout: seconds for all of it
    :param limit: bytes that may come
    :param context: whom to trust; the system's authorities by default
    :raises UnreachableError: if its server is away
    :raises LoadingError: if it cannot be read, or must not be
    """
    scheme = _SCHEME.match(source)
    try:
        match scheme[1].lower() if scheme else None:
            case "file" if source.lower().startswith("file://"):
                return _read_file(source[len("file://") :], limit)
            case "http" | "https":
                return _fetched(source, timeout, limit, context)
            case _:
                raise Refused("a source is file://PATH, https://... or http://...")
    except Away as exc:
        raise UnreachableError(masked(source), str(exc)) from exc.__cause__
    except Refused as exc:
        raise LoadingError(masked(source), str(exc)) from exc.__cause__


def _read_file(path: str, limit: int) -> bytes:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Refused("this is no file")
            content = file.read(limit + 1)
    except OSError as exc:
        raise Refused(exc.strerror or str(exc)) from exc
    except ValueError as exc:
        raise Refused(f"{shown(path)} is no path") from exc
    if len(content) > limit:
        raise Refused(f"this is larger than {limit} bytes")
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _fetched(url: str, timeout: float, limit: int, context: ssl.SSLContext | None) -> bytes:
    # Most processes never need http.client, which brings a parser of mails.
    from microagent.sources.webclient import Terms, fetch

    content = fetch(url, Terms(timeout, limit, context))
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise Refused("this is a page of HTML or XML, not JSON")
    return content
