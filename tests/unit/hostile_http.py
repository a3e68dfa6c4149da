"""Web servers on 127.0.0.1 that answer as told, however bad that is; one with a certificate nobody knows."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from servers import certificates

Answer = Callable[[socket.socket], None]
"""Writes to the connection whatever it wants."""


def page(body: bytes, status: str = "200 OK", *headers: str) -> Answer:
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return lambda line: line.sendall("\r\n".join(lines).encode("latin-1") + body)


def redirect(location: str) -> Answer:
    """An answer that sends somewhere else."""
    return page(b"", "302 Found", f"Location: {location}")


def raw(*pieces: bytes) -> Answer:
    """These bytes, whether or not they are HTTP."""
    return lambda line: line.sendall(b"".join(pieces))


def forever(head: bytes, piece: bytes, pause: float = 0.0) -> Answer:
    """The head, and then the piece again and again, with a pause of so many seconds, until nobody listens."""

    def answer(line: socket.socket) -> None:
        stop = threading.Event()
        line.sendall(head)
        while not stop.wait(pause):
            line.sendall(piece)

    return answer


def silence(line: socket.socket) -> None:
    """Nothing, until the client goes."""
    line.recv(1)


@dataclass
class Server:
    """A server that runs; ``pages`` maps paths to answers, ``requests`` are the heads that came."""

    url: str
    pages: dict[str, Answer]
    requests: list[str] = field(default_factory=list[str])


@contextmanager
def serving(pages: dict[str, Answer], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server for as long as the block runs; its threads end with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(max_workers=32) as threads:
        scheme = "http" if tls is None else "https"
        server = Server(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", pages)
        threads.submit(_accept, listener, server, tls, threads)
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server: Server, tls: ssl.SSLContext | None, threads: Executor) -> None:
    with suppress(OSError):
        while True:
            line, _ = listener.accept()
            threads.submit(_serve, line, server, tls)


def _serve(line: socket.socket, server: Server, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError), line:
        if tls is not None:
            line = tls.wrap_socket(line, server_side=True)
        with line:
            head = b""
            while b"\r\n\r\n" not in head and head[:1] in {b"", b"G"} and (piece := line.recv(65_536)):
                head += piece
            if not head.startswith(b"GET "):
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return
            server.requests.append(head.decode("latin-1"))
            path = server.requests[-1].split(" ")[1]
            server.pages.get(path, page(b"not here", "404 Not Found"))(line)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A context for a server on 127.0.0.1, and one for clients that trust it."""
    path = certificates.certificate(folder)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))
