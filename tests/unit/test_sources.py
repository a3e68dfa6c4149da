"""Sources of declarations, whoever wrote them and whatever they answer."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_http import Answer, Server, certificate, forever, page, raw, redirect, serving, silence

from microagent.errors import LoadingError
from microagent.printable import printable
from microagent.sources.documents import read_source

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({"/ok": page(b'{"signals": []}')}) as running:
        yield running


def reason(source: str, **terms: Any) -> str:
    """Why a source is not read."""
    with pytest.raises(LoadingError) as caught:
        read_source(source, **terms)
    assert str(caught.value) == f"{printable(caught.value.source)}: {caught.value.reason}"
    return caught.value.reason


# -- files


def test_a_file_is_read_by_its_absolute_path(tmp_path: Path) -> None:
    """What follows ``file://`` is the path, as it is: nothing in it is decoded."""
    path = tmp_path / "a b%20c#d?.json"
    path.write_bytes(b"{}")
    assert read_source(f"file://{path}") == b"{}"


def test_a_file_is_read_by_its_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the working directory, as in the manual: ``file://signals.json``."""
    (tmp_path / "signals.json").write_bytes(b"{}")
    monkeypatch.chdir(tmp_path)
    assert read_source("file://signals.json") == read_source("FILE://./signals.json") == b"{}"


def test_what_is_no_readable_file_is_one_sentence(tmp_path: Path) -> None:
    """Missing, a folder, a pipe that nobody writes to, a device without end, a path that is none."""
    os.mkfifo(tmp_path / "pipe")
    assert reason(f"file://{tmp_path}/missing.json") == "No such file or directory"
    assert reason(f"file://{tmp_path}") == "Is a directory"
    assert reason(f"file://{tmp_path}/pipe") == "not a regular file"
    assert reason("file:///dev/zero") == "not a regular file"
    assert reason("file://a\0b") == r"not a valid path: 'a\x00b'"


def test_a_file_has_a_limit_too(tmp_path: Path) -> None:
    """Whoever writes the file may not fill the memory."""
    (tmp_path / "large").write_bytes(b" " * 101)
    assert reason(f"file://{tmp_path}/large", limit=100) == "larger than 100 bytes"


@pytest.mark.parametrize(
    "source",
    [
        "signals.json",
        "",
        "ftp://example.com/x",
        "data:application/json,{}",
        "file:x",
        "/etc/passwd",
        "os.path",
    ],
)
def test_there_are_three_kinds_of_sources(source: str) -> None:
    """Everything else is refused before anything is opened."""
    assert reason(source) == "unsupported source: use file://PATH, https://... or http://..."


# -- servers that behave


def test_a_document_is_got_over_http(server: Server) -> None:
    """With headers that ask for JSON as it is."""
    assert read_source(f"{server.url}/ok") == b'{"signals": []}'
    assert "Accept-Encoding: identity\r\n" in server.requests[0]


def test_a_document_is_got_over_https(tmp_path: Path) -> None:
    """From a server whose certificate is trusted."""
    tls, trusting = certificate(tmp_path)
    with serving({"/ok": page(b"{}")}, tls) as server:
        assert read_source(f"{server.url}/ok", context=trusting) == b"{}"


def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    """By default the system says whom to trust."""
    tls, _ = certificate(tmp_path)
    with serving({"/ok": page(b"{}")}, tls) as server:
        assert reason(f"{server.url}/ok").startswith("its certificate is not trusted: self")
        assert server.requests == []


def test_chunks_and_paths_are_understood(server: Server) -> None:
    """A chunked body, a path with blanks, a query."""
    server.pages["/a%20b?x=1"] = raw(CHUNKED, b"2\r\n{ \r\n1\r\n}\r\n0\r\n\r\n")
    assert read_source(f"{server.url}/a b?x=1#fragment") == b"{ }"


def test_an_url_may_hold_a_password(server: Server) -> None:
    """It is sent to the server, and shown to nobody."""
    url = server.url.replace("//", "//user:s%40cret@")
    assert read_source(f"{url}/ok") == b'{"signals": []}'
    assert "Authorization: Basic dXNlcjpzQGNyZXQ=" in server.requests[0]
    with pytest.raises(LoadingError) as caught:
        read_source(f"{url}/missing")
    assert str(caught.value) == f"{url.replace('s%40cret', '***')}/missing: the server answered 404"


def test_three_redirects_are_followed(server: Server) -> None:
    """To absolute and relative places; a password goes to nobody else."""
    server.pages |= {"/1": redirect("2"), "/2": redirect(f"{server.url}/3"), "/3": redirect("/ok")}
    assert read_source(server.url.replace("//", "//u:p@") + "/1") == b'{"signals": []}'
    assert "Authorization" not in server.requests[2]


# -- servers that do not


def test_a_circle_of_redirects_ends(server: Server) -> None:
    """After the third."""
    server.pages |= {"/a": redirect("/b"), "/b": redirect("/a"), "/self": redirect("/self"), "/none": redirect("")}
    assert reason(f"{server.url}/a") == "redirected more than 3 times"
    assert len(server.requests) == 4
    assert reason(f"{server.url}/self") == "redirected to itself"
    assert reason(f"{server.url}/none") == "redirected to itself"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "javascript:x"])
def test_a_redirect_leads_to_the_web_alone(server: Server, target: str) -> None:
    """Never to a file of the machine that asks."""
    server.pages["/r"] = redirect(target)
    assert reason(f"{server.url}/r") == f"redirected to {target!r}, which is not an http or https URL"


def test_a_redirect_never_weakens(server: Server, tmp_path: Path) -> None:
    """What was asked for over https does not come over http."""
    tls, trusting = certificate(tmp_path)
    with serving({"/r": redirect(f"{server.url}/ok")}, tls) as secure, pytest.raises(LoadingError) as caught:
        read_source(f"{secure.url}/r", context=trusting)
    assert caught.value.reason == "redirected from https to http"
    assert server.requests == []


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content", "206 Partial", "304 Not Modified"])
def test_only_200_brings_a_document(server: Server, status: str) -> None:
    """The number is told, the server's words are not."""
    server.pages["/x"] = page(b"", status)
    assert reason(f"{server.url}/x") == f"the server answered {status[:3]}"


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html>", b"\n\t <html>", b"\xef\xbb\xbf<?xml?>"])
def test_a_web_page_is_no_document(server: Server, body: bytes) -> None:
    """A login page with status 200 is told for what it is."""
    server.pages["/x"] = page(body)
    assert reason(f"{server.url}/x") == "an HTML or XML page, not JSON"


@pytest.mark.parametrize(
    "answer",
    [
        forever(CHUNKED, b"1000\r\n" + b" " * 0x1000 + b"\r\n"),
        forever(OK + b"\r\n", b" " * 4096),
        forever(OK + b"Content-Length: 99999999999\r\n\r\n", b" " * 4096),
        raw(CHUNKED, b"7fffffff\r\n" + b" " * 200_000),
        page(b" " * 100_001),
    ],
)
def test_an_endless_body_is_cut(server: Server, answer: Answer) -> None:
    """Whatever the headers say of its length."""
    server.pages["/x"] = answer
    assert reason(f"{server.url}/x", limit=100_000) == "the answer is larger than 100000 bytes"


@pytest.mark.parametrize(
    "answer",
    [
        silence,
        forever(b"", b"H", pause=0.05),
        forever(OK, b"X-A: b\r\n", pause=0.05),
        forever(OK + b"\r\n", b" ", pause=0.05),
        forever(CHUNKED, b"1\r\n \r\n", pause=0.05),
        forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.05),
    ],
)
def test_a_slow_answer_ends_at_the_deadline(server: Server, answer: Answer) -> None:
    """One deadline for all of it: a byte now and then does not move it."""
    server.pages["/x"] = answer
    start = time.monotonic()
    assert reason(f"{server.url}/x", timeout=0.5) == "no complete answer within 0.5 seconds"
    assert time.monotonic() - start < 3
    for thread in threading.enumerate():
        if thread.name == "microagent-fetch":
            thread.join(5)
            assert not thread.is_alive(), "the exchange is over, not only given up"


def test_a_server_that_never_speaks_tls_ends_at_the_deadline() -> None:
    """A handshake is part of the time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert reason(url, timeout=0.5) == "no complete answer within 0.5 seconds"


@pytest.mark.parametrize(
    "answer",
    [
        raw(OK + b"Content-Length: 10\r\n\r\n{}"),
        raw(CHUNKED + b"5\r\n{}"),
        raw(CHUNKED + b"zz\r\n{}"),
        raw(b"nonsense\r\n\r\n"),
        raw(b""),
        raw(OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n"),
        raw(OK + b"X: a\r\n" * 1_000 + b"\r\n"),
        page(b"{}", "200 OK", "Content-Encoding: gzip"),
    ],
)
def test_a_broken_answer_is_one_sentence(server: Server, answer: Answer) -> None:
    """Cut short, too long a line, no HTTP at all, an encoding that was not asked for."""
    server.pages["/x"] = answer
    told = reason(f"{server.url}/x")
    assert told.startswith(("the answer ", "the server answered with an unsupported Content-Encoding", "no connection"))


def test_nobody_there_is_one_sentence() -> None:
    """A port where nothing listens, a host that is none, an URL that is none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert reason(f"http://127.0.0.1:{port}/") == "no connection: Connection refused"
    assert reason(f"https://127.0.0.1:{port}/") == "no connection: Connection refused"
    assert reason("http://[::1/") == "not a valid URL"
    assert reason("http://127.0.0.1:port/") == "not a valid URL"
    assert reason("http:///path") == "not the URL of a web server"
    assert reason(f"http://{'a' * 70}.invalid/") in {"not a valid URL", "no such host"}


def test_plain_http_on_a_tls_port_is_one_sentence(server: Server) -> None:
    """And the other way round."""
    assert reason(server.url.replace("http:", "https:") + "/ok").startswith(("TLS handshake failed", "no connection"))


def test_no_proxy_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment does not decide where declarations come from."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert read_source(f"{server.url}/ok") == b'{"signals": []}'


def test_the_context_is_that_of_the_caller(tmp_path: Path) -> None:
    """One that trusts nobody refuses a server that another would trust."""
    tls, _ = certificate(tmp_path)
    with serving({"/ok": page(b"{}")}, tls) as server, pytest.raises(LoadingError, match="certificate"):
        read_source(f"{server.url}/ok", context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
