"""Read the bytes of a source: a file or an URL, neither of which is trusted."""

import os
import re
import ssl
import stat

from microagent.dsn import masked
from microagent.errors import LoadingError, UnreachableError
from microagent.names import shown
from microagent.sources.refusals import DocumentError, UnavailableError

TIMEOUT = 10.0
LIMIT = 4 * 1024 * 1024

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def read_source(
    source: str, *, timeout: float = TIMEOUT, limit: int = LIMIT, context: ssl.SSLContext | None = None
) -> bytes:
    """
    The bytes of a source.

    :param source: an ``https://`` or ``http://`` URL, or ``file://`` followed by a path, absolute or relative to the
        working directory; the path is not percent-decoded. Up to three redirects are followed, but not to files and not
        from ``https`` to ``http``. Proxies are not used
    :param timeout: seconds for the whole transfer
    :param limit: bytes that the source may have
    :param context: the TLS context; by default one that trusts the system's certificate authorities
    :raises UnreachableError: if the server is unreachable
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
                raise DocumentError("unsupported source: use file://PATH, https://... or http://...")
    except UnavailableError as exc:
        raise UnreachableError(masked(source), str(exc)) from exc.__cause__
    except DocumentError as exc:
        raise LoadingError(masked(source), str(exc)) from exc.__cause__


def _read_file(path: str, limit: int) -> bytes:
    try:
        with open(path, "rb", opener=_open_without_blocking) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DocumentError("not a regular file")
            content = file.read(limit + 1)
    except OSError as exc:
        raise DocumentError(exc.strerror or str(exc)) from exc
    except ValueError as exc:
        raise DocumentError(f"not a valid path: {shown(path)}") from exc
    if len(content) > limit:
        raise DocumentError(f"larger than {limit} bytes")
    return content


def _open_without_blocking(path: str, flags: int) -> int:
    """Open a file without blocking, which a named pipe would otherwise do."""
    return os.open(path, flags | os.O_NONBLOCK)


def _fetched(url: str, timeout: float, limit: int, context: ssl.SSLContext | None) -> bytes:
    # http.client is slow to import, and most processes never need it.
    from microagent.sources.webclient import FetchOptions, fetch

    content = fetch(url, FetchOptions(timeout, limit, context))
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise DocumentError("an HTML or XML page, not JSON")
    return content
