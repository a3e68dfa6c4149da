"""Declarations that are locked, pinned and kept, while servers are what they are."""

import json
import logging
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hostile_http import Answer, Server, certificate, forever, page, raw, redirect, serving, silence
from support import unique

from microagent import errors
from microagent.errors import ConfigurationError, DeclarationError, DriftError, LoadingError, UnreachableError
from microagent.loading import load_queues, load_signals, load_stuff
from microagent.signal import Signal
from microagent.sources.locking import Lock, Remote
from microagent.sources.parsing import parse

OK = b"HTTP/1.1 200 OK\r\n"


def document(name: str, *args: str) -> bytes:
    return json.dumps({"signals": [{"name": name, "providing_args": args}], "queues": [{"name": name}]}).encode()


@pytest.fixture
def name() -> str:
    return unique("kept")


@pytest.fixture
def good(name: str) -> bytes:
    return document(name, "x")


@pytest.fixture
def server(good: bytes) -> Iterator[Server]:
    with serving({"/s.json": page(good)}) as running:
        yield running


@pytest.fixture
def url(server: Server) -> str:
    return f"{server.url}/s.json"


@pytest.fixture
def locked(url: str, good: bytes, tmp_path: Path) -> Path:
    """The lock file of what the server has."""
    return lock(tmp_path, url, good)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def lock(folder: Path, url: str, body: bytes) -> Path:
    """A lock file of what came from an URL."""
    declared = parse(body)
    path = folder / "contracts.lock"
    path.write_text(str(Lock.of(declared.signals, declared.queues, {url: Remote.of(body, declared)})))
    return path


def shut_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


# -- a pin


def test_a_pinned_source_has_its_digest(url: str, good: bytes, name: str, tmp_path: Path) -> None:
    """Over the web and in files; the digest of anything else is refused, and nothing is registered."""
    pin = sha256(good).hexdigest()
    with pytest.raises(DriftError) as caught:
        load_stuff(url, sha256="0" * 64)
    assert str(caught.value) == f"{url}: its sha256 is {pin}, not {'0' * 64}"
    assert name not in Signal.get_all()
    assert getattr(load_signals(url, sha256=pin.upper()), name) is Signal.get(name)
    (tmp_path / "s.json").write_bytes(good + b"\n")
    with pytest.raises(DriftError):
        load_queues(f"file://{tmp_path}/s.json", sha256=pin)


def test_a_pin_is_of_one_file(tmp_path: Path) -> None:
    """What is beside it could change unseen, which is told, and what to do."""
    document = {"queues": [{"name": "pinned", "payload": {"properties": {"x": {"$ref": "x.json"}}}}]}
    (tmp_path / "s.json").write_text(json.dumps(document))
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DeclarationError, match="is another file, but sha256= pins only this one: use lock= for all"):
        load_queues(f"file://{tmp_path}/s.json", sha256=sha256((tmp_path / "s.json").read_bytes()).hexdigest())


def test_a_pin_that_is_no_digest_is_a_mistake_of_the_caller(url: str, server: Server) -> None:
    """It is told before anything is asked."""
    with pytest.raises(ConfigurationError, match="sha256 must be a digest of 64 hexadecimal digits, not 'abc'"):
        load_stuff(url, sha256="abc")
    assert server.requests == []


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"timeout": "3"}, "timeout='3' has to be a number of seconds above 0"),
        ({"lock": 1}, "lock=1 has to be a path"),
        ({"cache": 1}, "cache=1 has to be a path"),
        ({"timeout": 0}, "timeout=0 has to be a number of seconds above 0"),
        ({"limit": "4 MiB"}, "limit='4 MiB' has to be a whole number, 1 or more"),
        ({"sha256": 3}, "sha256 must be a digest of 64 hexadecimal digits, not 3"),
    ],
)
def test_terms_that_are_none_are_mistakes_of_the_caller(
    terms: dict[str, Any], sentence: str, url: str, server: Server
) -> None:
    """They are told before anything is asked."""
    with pytest.raises(ConfigurationError) as refusal:
        load_stuff(url, **terms)
    assert str(refusal.value) == sentence
    assert server.requests == []


@pytest.mark.parametrize("source", [Path("schemas/a.json"), 3])
def test_a_source_that_is_no_text_is_refused_like_its_text(source: Any) -> None:
    """The sentence says how a source is written."""
    with pytest.raises(LoadingError, match=r"unsupported source: use file://PATH, https://\.\.\. or http://\.\.\."):
        load_stuff(source)


def test_what_has_not_the_digest_is_not_even_read(server: Server, url: str, good: bytes) -> None:
    """A pin is for bytes: what else is wrong with others does not matter."""
    server.pages["/s.json"] = page(b"{")
    with pytest.raises(DriftError, match="its sha256 is"):
        load_stuff(url, sha256=sha256(good).hexdigest())


# -- a lock


def test_what_is_locked_is_loaded(url: str, good: bytes, name: str, tmp_path: Path) -> None:
    """By every loader, with a lock named in any way."""
    path = lock(tmp_path, url, good)
    assert getattr(load_signals(url, lock=path), name) is Signal.get(name)
    assert [queue.name for queue in load_queues(url, lock=str(path))] == [name]
    assert load_stuff(url.replace("//", "//user:secret@"), lock=path)[0] == load_signals(url)


def test_what_drifted_is_refused_in_a_sentence(server: Server, url: str, locked: Path, name: str) -> None:
    """Which declaration differs, and what to do; nothing of the source is registered."""
    other = unique("other")
    added = {"name": other, "providing_args": []}
    drifted = json.loads(document(name, "y"))
    server.pages["/s.json"] = page(json.dumps({**drifted, "signals": [*drifted["signals"], added]}).encode())
    with pytest.raises(DriftError) as caught:
        load_stuff(url, lock=locked)
    differences = ", ".join(sorted([f"signal '{name}' differs", f"signal '{other}' is new"]))
    assert str(caught.value) == (
        f"{url}: this differs from what {locked} records: {differences}; review the change, then record it "
        f"with: microagent-gen --lock {locked}"
    )
    assert not {name, other} & Signal.get_all().keys()
    assert isinstance(caught.value, LoadingError)


def test_other_words_are_loaded_with_a_warning(
    server: Server, url: str, good: bytes, locked: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A typo that somebody mended in a description does not keep services from starting."""
    server.pages["/s.json"] = page(json.dumps({**json.loads(good), "description": "Shared."}, indent=2).encode())
    assert len(load_signals(url, lock=locked)) == 1
    assert caplog.messages == [f"{url}: its bytes have changed, but it declares the same as recorded in {locked}"]


def test_a_source_that_nobody_locked_is_refused(server: Server, good: bytes, locked: Path) -> None:
    """Otherwise a lock would protect from nothing."""
    server.pages["/new.json"] = page(good)
    with pytest.raises(DriftError, match="records: it is not recorded; review"):
        load_stuff(f"{server.url}/new.json", lock=locked)


def test_files_are_locked_by_their_declarations(good: bytes, name: str, url: str, tmp_path: Path) -> None:
    """The same lock serves the files of the project."""
    path = lock(tmp_path, url, good)
    (tmp_path / "s.json").write_bytes(json.dumps(json.loads(good), indent=3).encode())
    assert getattr(load_signals(f"file://{tmp_path}/s.json", lock=path), name).name == name
    (tmp_path / "s.json").write_bytes(document(name, "y"))
    with pytest.raises(DriftError, match=f"signal '{name}' differs"):
        load_signals(f"file://{tmp_path}/s.json", lock=path)


def test_a_broken_lock_is_told_before_anything_is_asked(url: str, server: Server, tmp_path: Path) -> None:
    """It is never taken for one that allows everything."""
    (tmp_path / "contracts.lock").write_text("{")
    with pytest.raises(LoadingError, match="not a valid lock file"):
        load_stuff(url, lock=tmp_path / "contracts.lock")
    with pytest.raises(LoadingError, match="No such file or directory"):
        load_stuff(url, lock=tmp_path / "none.lock")
    assert server.requests == []


# -- a copy

AWAY: dict[str, Answer] = {
    "500": page(b"", "500 Internal Server Error"),
    "503 with a document": page(b'{"signals": []}', "503 Service Unavailable"),
    "599": page(b"", "599 Who Knows"),
    "408": page(b"", "408 Request Timeout"),
    "429": page(b"", "429 Too Many Requests"),
    "silence": silence,
    "closed at once": raw(b""),
    "cut in the body": raw(OK + b'Content-Length: 1000\r\n\r\n{"signals": ['),
    "cut in a chunk": raw(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{"),
    "a byte now and then": forever(OK + b"Content-Length: 1000\r\n\r\n", b" ", 0.05),
}

HERE: dict[str, Answer] = {
    "404": page(b"", "404 Not Found"),
    "401": page(b"", "401 Unauthorized"),
    "403": page(b"", "403 Forbidden"),
    "410": page(b"", "410 Gone"),
    "204": page(b"", "204 No Content"),
    "no JSON": page(b"{"),
    "HTML": page(b"<html>Down for maintenance</html>"),
    "not a declaration": page(b'{"signals": [{"name": "A B", "providing_args": []}]}'),
    "too large": page(b" " * 10_000),
    "no HTTP": raw(b"220 mail.example.org ESMTP\r\n"),
    "compressed": page(b"{}", "200 OK", "Content-Encoding: gzip"),
    "to a file": redirect("file:///etc/passwd"),
    "in a circle": redirect("/s.json"),
}


@pytest.mark.parametrize("answer", AWAY.values(), ids=AWAY.keys())
def test_a_copy_serves_while_the_server_is_away(
    answer: Answer, server: Server, url: str, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With one warning, which tells that it is used, why, and how old it is."""
    before = load_stuff(url, cache=cache)
    assert caplog.messages == []
    server.pages["/s.json"] = answer
    assert load_stuff(url, cache=cache, timeout=0.5) == before
    [copy] = cache.iterdir()
    [said] = caplog.records
    assert (said.name, said.levelno) == ("microagent.loading", logging.WARNING)
    assert said.getMessage().startswith(f"{url}: ")
    assert said.getMessage().endswith(f"; using its copy in {copy}, less than a minute old")
    with pytest.raises(UnreachableError):
        load_stuff(url, timeout=0.5)


@pytest.mark.parametrize("answer", HERE.values(), ids=HERE.keys())
def test_a_copy_does_not_serve_when_the_server_answers(
    answer: Answer, server: Server, url: str, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A refusal is meant, and a document that is wrong is somebody's mistake: yesterday's would hide both. The copy stays.
    """
    load_stuff(url, cache=cache)
    [copy] = cache.iterdir()
    kept = copy.read_bytes()
    server.pages["/s.json"] = answer
    with pytest.raises((LoadingError, DeclarationError)) as caught:
        load_stuff(url, cache=cache, limit=5_000)
    assert not isinstance(caught.value, UnreachableError)
    assert str(copy) not in str(caught.value)
    assert copy.read_bytes() == kept
    assert caplog.messages == []


def test_a_copy_serves_where_nobody_listens(good: bytes, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A server that is gone altogether."""
    with serving({"/s.json": page(good)}) as server:
        url = f"{server.url}/s.json"
        before = load_stuff(url, cache=cache)
    assert load_stuff(url, cache=cache) == before
    assert "no connection: Connection refused; using its copy in " in caplog.text


def test_a_certificate_that_nobody_knows_is_no_absence(good: bytes, tmp_path: Path, cache: Path) -> None:
    """Somebody else answers in its name: that is to be seen, not to be bridged."""
    tls, trusting = certificate(tmp_path)
    with serving({"/s.json": page(good)}, tls) as server:
        url = f"{server.url}/s.json"
        load_stuff(url, cache=cache, context=trusting)
        with pytest.raises(LoadingError, match="its certificate is not trusted") as caught:
            load_stuff(url, cache=cache)
    assert not isinstance(caught.value, UnreachableError)


def test_without_a_copy_the_error_says_both(cache: Path) -> None:
    """That the server is away, and that the document is emptys place."""
    url = f"http://127.0.0.1:{shut_port()}/s.json"
    with pytest.raises(UnreachableError) as caught:
        load_stuff(url, cache=cache)
    assert str(caught.value) == f"{url}: no connection: Connection refused, and {cache} holds no copy of it"
    assert not cache.exists()


def test_a_copy_that_was_tampered_with_is_not_used(server: Server, url: str, cache: Path) -> None:
    """Its digest is looked at when it is read."""
    load_stuff(url, cache=cache)
    [copy] = cache.iterdir()
    copy.write_bytes(copy.read_bytes().replace(b'"x"', b'"z"'))
    server.pages["/s.json"] = page(b"", "503 Service Unavailable")
    with pytest.raises(UnreachableError) as caught:
        load_stuff(url, cache=cache)
    assert str(caught.value) == f"{url}: the server answered 503, and its copy {copy} is damaged"


def test_a_password_is_not_kept(server: Server, url: str, good: bytes, cache: Path, caplog) -> None:
    """Neither in a copy nor in what is said of it; whoever asks with another one has the same copy."""
    server.pages["/s.json?token=s3cret"] = page(good)
    load_stuff(url.replace("//", "//user:s3cret@") + "?token=s3cret", cache=cache)
    assert b"s3cret" not in next(cache.iterdir()).read_bytes()
    assert "s3cret" not in caplog.text


def test_a_copy_that_cannot_be_kept_keeps_nobody_from_starting(
    url: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The document is there; that there will be no copy is a warning."""
    (tmp_path / "file").write_text("")
    assert getattr(load_signals(url, cache=tmp_path / "file"), name).name == name
    assert caplog.messages == [f"{url}: cannot keep a copy in {tmp_path / 'file'}: File exists"]


def test_files_are_not_copied(good: bytes, name: str, cache: Path, tmp_path: Path) -> None:
    """A source may be a file in development and an URL elsewhere, with the same call."""
    (tmp_path / "s.json").write_bytes(good)
    assert getattr(load_signals(f"file://{tmp_path}/s.json", cache=cache), name).name == name
    assert not cache.exists()


# -- all of them


def test_only_what_passed_is_kept(server: Server, good: bytes, name: str, cache: Path, locked: Path) -> None:
    """What a pin or a lock refuses never takes the place of the copy, and the copy never takes its place."""
    url, pin = f"{server.url}/s.json", sha256(good).hexdigest()
    load_stuff(url, cache=cache, lock=locked, sha256=pin)
    server.pages["/s.json"] = page(document(name, "y"))
    for terms in ({"lock": locked}, {"sha256": pin}):
        with pytest.raises(DriftError) as caught:
            load_stuff(url, cache=cache, **terms)
        assert "kept in" not in str(caught.value)
    server.pages["/s.json"] = page(b"", "503 Service Unavailable")
    assert getattr(load_signals(url, cache=cache, lock=locked, sha256=pin), name).providing_args == ["x"]


def test_a_copy_is_held_to_pin_and_lock_too(server: Server, url: str, name: str, cache: Path, tmp_path: Path) -> None:
    """A lock that is newer than the copy refuses it; the error says that it is a copy."""
    load_stuff(url, cache=cache)
    [copy] = cache.iterdir()
    newer = document(name, "x", "y")
    path = lock(tmp_path, url, newer)
    server.pages["/s.json"] = page(b"", "503 Service Unavailable")
    with pytest.raises(DriftError) as caught:
        load_stuff(url, cache=cache, lock=path)
    assert str(caught.value).startswith(
        f"{url}, kept in {copy}: this differs from what {path} records: signal '{name}' "
    )
    with pytest.raises(DriftError, match=f"kept in {copy}: its sha256 is"):
        load_stuff(url, cache=cache, sha256=sha256(newer).hexdigest())


def test_the_errors_can_be_told_apart() -> None:
    """A server that is away, a source that is another: both are errors of loading, and of the package."""
    for each in (UnreachableError, DriftError):
        assert issubclass(each, LoadingError)
        assert each.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("terms", [{"lock": "a", "sha256": "0" * 64, "cache": "b"}])
def test_terms_are_keywords_of_every_loader(terms: dict[str, Any], tmp_path: Path) -> None:
    """The three take the same."""
    for load in (load_signals, load_queues, load_stuff):
        with pytest.raises(LoadingError, match="a: No such file"):
            load("file://x.json", **terms)
