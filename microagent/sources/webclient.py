"""An HTTP client for single documents, which no broken or hostile server can hang or flood."""

import socket
import ssl
import time
from base64 import b64encode
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead, InvalidURL
from threading import Thread
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from microagent.dsn import masked
from microagent.names import shown
from microagent.sources.refusals import DocumentError, UnavailableError

REDIRECTS = 3
_CHUNK = 64 * 1024
_SAFE = "%/:=&?~+!$,;'@()*[]"
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
_OK = 200
_TRANSIENT = {408, 429}  # and all of 5xx


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """``timeout`` in seconds and ``limit`` in bytes, both including redirects; ``context`` for TLS."""

    timeout: float
    limit: int
    context: ssl.SSLContext | None = None


def fetch(url: str, options: FetchOptions) -> bytes:
    """
    The document behind an URL.

    :raises UnavailableError: if the server is unreachable or overloaded
    :raises DocumentError: if it refuses the document, or does not keep to the options
    """
    exchange = _Exchange(url, options)
    exchange.start()
    exchange.join(options.timeout)
    if exchange.is_alive() or isinstance(exchange.error, TimeoutError):
        exchange.abandon()
        raise UnavailableError(f"no complete answer within {options.timeout:g} seconds")
    if exchange.content is None:
        raise _document_error(exchange.error) from exchange.error
    return exchange.content


class _Exchange(Thread):
    """
    The requests until there is a document, in a thread of their own.

    Only with a thread is there a hard deadline: name resolution has no timeout, and a socket's timeout begins anew with
    every byte that arrives.
    """

    def __init__(self, url: str, options: FetchOptions) -> None:
        super().__init__(name="microagent-fetch", daemon=True)
        self.content: bytes | None = None
        self.error: Exception | None = None
        self._url = url
        self._options = options
        self._deadline = time.monotonic() + options.timeout
        self._socket: socket.socket | None = None

    def run(self) -> None:
        try:
            self.content = self._follow()
        except Exception as exc:  # noqa: BLE001 - handed to the thread that waits
            self.error = exc

    def abandon(self) -> None:
        """Cut the connection, if there is one; the thread then ends by itself."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _follow(self) -> bytes:
        url = self._url
        for _ in range(REDIRECTS + 1):
            found = self._ask(_checked(url))
            if isinstance(found, bytes):
                return found
            url = _redirected(url, found)
        raise DocumentError(f"redirected more than {REDIRECTS} times")

    def _ask(self, url: SplitResult) -> bytes | str:
        """The document, or the URL that the server redirects to."""
        target = quote(url.path or "/", safe=_SAFE) + (f"?{quote(url.query, safe=_SAFE)}" if url.query else "")
        with closing(self._connect(url)) as connection:
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.do_handshake()
            connection.request("GET", target, headers=_headers(url))
            with closing(connection.getresponse()) as response:
                return self._read(response)

    def _connect(self, url: SplitResult) -> HTTPConnection:
        """A connection whose socket is known before the TLS handshake, so that this can be abandoned too."""
        host, left = url.hostname or "", self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if url.scheme == "http":
            connection = HTTPConnection(host, url.port)
            self._socket = connection.sock = socket.create_connection((host, connection.port), left)
            return connection
        context = self._options.context or ssl.create_default_context()
        connection = HTTPSConnection(host, url.port, context=context)
        sock = socket.create_connection((host, connection.port), left)
        sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        self._socket = connection.sock = sock
        return connection

    def _read(self, response: HTTPResponse) -> bytes | str:
        if response.status in {301, 302, 303, 307, 308}:
            return response.headers.get("Location", "")
        if response.status != _OK:
            is_transient = response.status in _TRANSIENT or response.status >= 500  # noqa: PLR2004 - RFC 9110, section 15.6
            raise (UnavailableError if is_transient else DocumentError)(f"the server answered {response.status}")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise DocumentError("the server answered with an unsupported Content-Encoding")
        return self._body(response)

    def _body(self, response: HTTPResponse) -> bytes:
        body = bytearray()
        while chunk := response.read(_CHUNK):
            body += chunk
            if len(body) > self._options.limit:
                raise DocumentError(f"the answer is larger than {self._options.limit} bytes")
        if response.length:
            raise UnavailableError("the answer was cut short")
        return bytes(body)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        raise DocumentError("not a valid URL") from exc
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise DocumentError("not the URL of a web server")
    return parts


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location)
    scheme = target.partition(":")[0].lower()
    if scheme not in {"http", "https"}:
        raise DocumentError(f"redirected to {shown(masked(target))}, which is not an http or https URL")
    if url.lower().startswith("https:") and scheme == "http":
        raise DocumentError("redirected from https to http")
    if not location or target == url:
        raise DocumentError("redirected to itself")
    return target


def _headers(url: SplitResult) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "microagent"}
    if url.username is not None:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    return headers


def _document_error(error: Exception | None) -> DocumentError:
    match error:
        case DocumentError():
            return error
        case ssl.SSLCertVerificationError():
            return DocumentError(f"its certificate is not trusted: {error.verify_message}")
        case ssl.SSLError() if not isinstance(error, _CUT):
            return DocumentError(f"TLS handshake failed: {error.reason}")
        case OSError() | IncompleteRead():
            return UnavailableError(_unavailability(error))
        case InvalidURL() | UnicodeError():
            return DocumentError("not a valid URL")
        case _:
            return DocumentError(f"the answer is not valid HTTP ({type(error).__name__})")


def _unavailability(error: OSError | IncompleteRead) -> str:
    match error:
        case IncompleteRead():
            return "the answer was cut short"
        case socket.gaierror():
            return "no such host"
        case ssl.SSLError():
            return "no connection: it was closed during the TLS handshake"
        case _:
            return f"no connection: {error.strerror or error}"
