"""Get a document over HTTP from a server that may be broken or hostile."""

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
from microagent.sources.refusals import Away, Refused

REDIRECTS = 3
_CHUNK = 64 * 1024
_SAFE = "%/:=&?~+!$,;'@()*[]"
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
_OK = 200
_LATER = {408, 429}  # and whatever is above 499: the same question may be answered later


@dataclass(frozen=True, slots=True)
class Terms:
    """``timeout`` in seconds and ``limit`` in bytes, for all of it; ``context`` says whom to trust."""

    timeout: float
    limit: int
    context: ssl.SSLContext | None = None


def fetch(url: str, terms: Terms) -> bytes:
    """
    The document behind an URL.

    :raises Away: if there is none now
    :raises Refused: if there is none, or not under these terms
    """
    exchange = _Exchange(url, terms)
    exchange.start()
    exchange.join(terms.timeout)
    if exchange.is_alive() or isinstance(exchange.error, TimeoutError):
        exchange.abandon()
        raise Away(f"no full answer within {terms.timeout:g} seconds")
    if exchange.content is None:
        raise _refusal(exchange.error) from exchange.error
    return exchange.content


class _Exchange(Thread):
    """
    What is said with servers until there is a document: a thread, for neither the search for a host's address nor a
    server that sends a byte every second would keep to a deadline.
    """

    def __init__(self, url: str, terms: Terms) -> None:
        super().__init__(name="microagent-fetch", daemon=True)
        self.content: bytes | None = None
        self.error: Exception | None = None
        self._url = url
        self._terms = terms
        self._deadline = time.monotonic() + terms.timeout
        self._line: socket.socket | None = None

    def run(self) -> None:
        try:
            self.content = self._follow()
        except Exception as exc:  # noqa: BLE001 - handed to the thread that waits
            self.error = exc

    def abandon(self) -> None:
        """End the exchange wherever it is; the thread ends soon after."""
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def _follow(self) -> bytes:
        url = self._url
        for _ in range(REDIRECTS + 1):
            found = self._ask(_checked(url))
            if isinstance(found, bytes):
                return found
            url = _redirected(url, found)
        raise Refused(f"redirected more than {REDIRECTS} times")

    def _ask(self, url: SplitResult) -> bytes | str:
        """The document, or where it is said to be."""
        target = quote(url.path or "/", safe=_SAFE) + (f"?{quote(url.query, safe=_SAFE)}" if url.query else "")
        with closing(self._connect(url)) as connection:
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.do_handshake()
            connection.request("GET", target, headers=_headers(url))
            with closing(connection.getresponse()) as response:
                return self._read(response)

    def _connect(self, url: SplitResult) -> HTTPConnection:
        """A connection whose socket is known before anything is said, so that even a handshake can be abandoned."""
        host, left = url.hostname or "", self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if url.scheme == "http":
            connection = HTTPConnection(host, url.port)
            self._line = connection.sock = socket.create_connection((host, connection.port), left)
            return connection
        context = self._terms.context or ssl.create_default_context()
        connection = HTTPSConnection(host, url.port, context=context)
        line = socket.create_connection((host, connection.port), left)
        line = context.wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
        self._line = connection.sock = line
        return connection

    def _read(self, response: HTTPResponse) -> bytes | str:
        if response.status in {301, 302, 303, 307, 308}:
            return response.headers.get("Location", "")
        if response.status != _OK:
            is_away = response.status in _LATER or response.status >= 500  # noqa: PLR2004 - RFC 9110, section 15.6
            raise (Away if is_away else Refused)(f"the server answered {response.status}")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused("the server answered with a Content-Encoding that was not asked for")
        return self._body(response)

    def _body(self, response: HTTPResponse) -> bytes:
        body = bytearray()
        while chunk := response.read(_CHUNK):
            body += chunk
            if len(body) > self._terms.limit:
                raise Refused(f"the answer is larger than {self._terms.limit} bytes")
        if response.length:
            raise Away("the answer was cut short")
        return bytes(body)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        raise Refused("this is no URL") from exc
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Refused("this is no URL of a web server")
    return parts


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location)
    scheme = target.partition(":")[0].lower()
    if scheme not in {"http", "https"}:
        raise Refused(f"redirected to {shown(masked(target))}, which is not of the web")
    if url.lower().startswith("https:") and scheme == "http":
        raise Refused("redirected from https to http")
    if not location or target == url:
        raise Refused("redirected to itself")
    return target


def _headers(url: SplitResult) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "microagent"}
    if url.username is not None:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    return headers


def _refusal(error: Exception | None) -> Refused:
    match error:
        case Refused():
            return error
        case ssl.SSLCertVerificationError():
            return Refused(f"its certificate is not trusted: {error.verify_message}")
        case ssl.SSLError() if not isinstance(error, _CUT):
            return Refused(f"no TLS connection: {error.reason}")
        case OSError() | IncompleteRead():
            return Away(_absence(error))
        case InvalidURL() | UnicodeError():
            return Refused("this is no URL")
        case _:
            return Refused(f"the answer is no HTTP ({type(error).__name__})")


def _absence(error: OSError | IncompleteRead) -> str:
    match error:
        case IncompleteRead():
            return "the answer was cut short"
        case socket.gaierror():
            return "no such host"
        case ssl.SSLError():
            return "no connection: it was closed before it was secure"
        case _:
            return f"no connection: {error.strerror or error}"
