"""Declarations that are loaded at run time."""

import json
import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_http import Server, certificate, page, serving
from support import unique

from microagent.asyncapi.writing import Api
from microagent.asyncapi.writing import text as asyncapi_text
from microagent.errors import (
    ConfigurationError,
    ConflictError,
    DeclarationError,
    LoadingError,
    QueueNotFound,
    SignalNotFound,
)
from microagent.loading import SignalSet, load_queues, load_signals, load_stuff
from microagent.queue import Queue
from microagent.signal import Signal
from microagent.sources.parsing import parse


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({}) as running:
        yield running


def document(**said: Any) -> str:
    """A document that declares a signal and a queue of its own."""
    signal, queue = {"name": unique("sig"), "providing_args": ["x"]}, {"name": unique("queue")}
    return json.dumps({"signals": [signal], "queues": [queue], **said})


def write(folder: Path, text: str) -> str:
    """The text as a source."""
    path = folder / "declarations.json"
    path.write_text(text)
    return f"file://{path}"


def signal_source(folder: Path, *names: str, args: tuple[str, ...] = ("x",)) -> str:
    return write(folder, json.dumps({"signals": [{"name": name, "providing_args": args} for name in names]}))


def test_signals_are_the_fields_of_a_named_tuple(tmp_path: Path) -> None:
    """In the order of the file; each is the registered one."""
    first, second = unique("sig"), unique("sig")
    signals = load_signals(signal_source(tmp_path, first, second))
    assert tuple(signals) == (Signal.get(first), Signal.get(second))
    assert getattr(signals, first) is Signal.get(first)
    assert isinstance(signals, tuple)
    assert signals._fields == (first, second)


def test_names_of_tuple_methods_are_names_like_others(tmp_path: Path) -> None:
    """``count`` and ``index`` are signals when they are declared."""
    signals = load_signals(signal_source(tmp_path, "count", "index"))
    assert (signals.count, signals.index) == (Signal.get("count"), Signal.get("index"))


def test_a_source_may_declare_nothing(tmp_path: Path) -> None:
    """An empty tuple, which says so when asked."""
    signals, queues = load_stuff(write(tmp_path, "{}"))
    assert (len(signals), len(queues)) == (0, 0)
    with pytest.raises(SignalNotFound, match="'x' is not declared there, nothing is"):
        _ = signals.x


def test_a_missing_name_is_told_with_those_that_exist(tmp_path: Path) -> None:
    """As an AttributeError, so that hasattr and getattr work as everywhere."""
    signal, queue = unique("sig"), unique("queue")
    signals, queues = load_stuff(
        write(tmp_path, json.dumps({"signals": [{"name": signal, "providing_args": []}], "queues": [{"name": queue}]}))
    )
    with pytest.raises(SignalNotFound) as caught:
        getattr(signals, f"{signal}x")
    assert str(caught.value) == f"'{signal}x' is not declared there, only {signal}, did you mean '{signal}'?"
    with pytest.raises(QueueNotFound):
        getattr(queues, f"{queue}x")
    assert not hasattr(signals, "__wrapped__")
    assert not hasattr(queues, "nothing")


def test_signals_and_queues_of_one_file(tmp_path: Path) -> None:
    """Together, or one after the other, in any order and however often."""
    source = write(tmp_path, document())
    signals, queues = load_stuff(source)
    assert (tuple(load_queues(source)), tuple(load_signals(source))) == (tuple(queues), tuple(signals))
    assert isinstance(next(iter(queues)), Queue)
    assert isinstance(next(iter(signals)), Signal)


def test_the_example_of_the_manual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``file://`` and a name, from the working directory."""
    name = unique("sig")
    signal_source(tmp_path, name)
    monkeypatch.chdir(tmp_path)
    assert getattr(load_signals("file://declarations.json"), name) is Signal.get(name)


def test_over_http_and_https(server: Server, tmp_path: Path) -> None:
    """The same file from the web gives the same objects."""
    text = document()
    signals = load_signals(write(tmp_path, text))
    server.pages["/s.json"] = page(text.encode())
    assert tuple(load_signals(f"{server.url}/s.json")) == tuple(signals)
    tls, trusting = certificate(tmp_path)
    with serving({"/s.json": page(text.encode())}, tls) as secure:
        assert tuple(load_signals(f"{secure.url}/s.json", context=trusting)) == tuple(signals)
        with pytest.raises(LoadingError, match="its certificate is not trusted"):
            load_stuff(f"{secure.url}/s.json", context=ssl.create_default_context())


def test_generated_and_loaded_declarations_meet(tmp_path: Path) -> None:
    """One object, whichever comes first."""
    first, second = unique("sig"), unique("sig")
    structure = '{"payload":{"properties":{"x":{}},"required":["x"],"type":"object"}}'
    generated = Signal(first, declared=structure)
    loaded = load_signals(signal_source(tmp_path, first, second))
    assert getattr(loaded, first) is generated
    assert Signal(second, declared=structure) is getattr(loaded, second)


def test_a_conflict_shows_both_places_and_registers_nothing(tmp_path: Path) -> None:
    """All conflicts at once, each with its two definitions; a source is taken whole or not at all."""
    known, other, new = unique("sig"), unique("sig"), unique("sig")
    load_signals(signal_source(tmp_path, known))
    Signal(other, [])
    with pytest.raises(ConflictError) as caught:
        load_signals(signal_source(tmp_path, new, known, other, args=("y",)))
    text, path = str(caught.value), tmp_path / "declarations.json"
    assert [problem.message.splitlines()[0] for problem in caught.value.problems] == [
        f"signal {name!r} is declared twice, differently:" for name in (known, other)
    ]
    assert (
        f'{path}:1:14 /signals/0: {{"payload":{{"properties":{{"x":{{}}}},"required":["x"],"type":"object"}}}}' in text
    )
    assert f"{path}:1:" in text.split("/signals/0")[1]
    assert 'in Python: {"payload":{"type":"object"}}' in text
    assert new not in Signal.get_all()


def test_a_conflicting_queue_keeps_the_signals_of_its_source_out(tmp_path: Path) -> None:
    """``load_stuff`` registers all signals and queues of a source or none, and tells the conflicts of both."""
    new, known, queue = unique("sig"), unique("sig"), unique("queue")
    Signal(known, [])
    Queue(queue)
    signals = [{"name": new, "providing_args": []}, {"name": known, "providing_args": ["x"]}]
    queues = [{"name": queue, "payload": {"type": "object", "required": ["x"]}}]
    source = write(tmp_path, json.dumps({"signals": signals, "queues": queues}))
    with pytest.raises(ConflictError) as caught:
        load_stuff(source)
    assert [problem.message.split()[:2] for problem in caught.value.problems] == [
        ["signal", repr(known)],
        ["queue", repr(queue)],
    ]
    assert new not in Signal.get_all()


def test_conflicts_can_be_decided(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """For those who mean it: keep what is known, with or without a warning, or replace it in place."""
    name = unique("sig")
    signal = Signal(name, ["x"])
    source = signal_source(tmp_path, name, args=("y",))
    assert getattr(load_signals(source, on_conflict="keep"), name).providing_args == ["x"]
    assert caplog.records == []
    assert getattr(load_signals(source, on_conflict="warn"), name).providing_args == ["x"]
    assert "is declared twice, differently" in caplog.text
    assert getattr(load_signals(source, on_conflict="replace"), name) is signal
    assert signal.providing_args == ["y"]


@pytest.mark.parametrize("load", [load_signals, load_queues, load_stuff])
def test_way_that_there_is_not_is_refused_before_anything_is_read(load: Any) -> None:
    """Whether there is a conflict or not."""
    with pytest.raises(ConfigurationError, match=r"not 'wran', did you mean 'warn'\?$"):
        load("file://nowhere.json", on_conflict="wran")


def test_warnings_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line each, with the place."""
    with caplog.at_level(logging.WARNING, "microagent.loading"):
        load_stuff(write(tmp_path, document(jsonlib="ujson", extra=1)))
    assert [record.name for record in caplog.records] == ["microagent.loading"] * 2
    assert caplog.messages[0].startswith(f"{tmp_path}/declarations.json:1:")
    assert "'jsonlib' is ignored" in caplog.messages[0]


def test_every_problem_names_the_source(server: Server) -> None:
    """Without the password that its URL may hold."""
    server.pages["/s.json"] = page(b'{"signals": [{"name": "__import__(\'os\')", "providing_args": ["a b"]}, 5]}')
    url = server.url.replace("//", "//user:secret@") + "/s.json"
    with pytest.raises(DeclarationError) as caught:
        load_stuff(url)
    shown = url.replace("secret", "***")
    assert [problem.pointer for problem in caught.value.problems] == [
        "/signals/1",
        "/signals/0/name",
        "/signals/0/providing_args/0",
    ]
    assert all(str(problem).startswith(f"{shown} /signals/") for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[" * 100_000, "brackets are nested more than 100 deep"),
        (b'{"signals": [], "signals": []}', "duplicate key 'signals'"),
        (b'{"queues": [{"name": "x", "payload": {"$ref": "file:///etc/passwd"}}]}', "is another document"),
        (b"\xff\xfe", "not valid UTF-8"),
    ],
)
def test_hostile_documents_are_refused(server: Server, body: bytes, sentence: str) -> None:
    """Whatever a server says, it is a sentence in the end."""
    server.pages["/s.json"] = page(body)
    with pytest.raises(DeclarationError, match=sentence):
        load_stuff(f"{server.url}/s.json")


def test_a_document_of_asyncapi_is_a_source(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It declares the objects that a file of declarations does; what it says beyond them is an INFO each."""
    text = document()
    signals, queues = load_stuff(write(tmp_path, text))
    declared = parse(text)
    api = Api("Theirs", "somebody", declared.signals, declared.queues)
    with caplog.at_level(logging.INFO, "microagent.loading"):
        assert load_stuff(write(tmp_path, asyncapi_text(api))) == (signals, queues)
    assert [(record.levelname, record.getMessage().partition(" ")[2]) for record in caplog.records] == [
        ("INFO", "/operations: left out: declarations cannot express it")
    ]


def test_limits_can_be_set(server: Server) -> None:
    """Seconds and bytes, in every loader."""
    server.pages["/s.json"] = page(b" " * 200 + b"{}")
    for load in (load_signals, load_queues, load_stuff):
        with pytest.raises(LoadingError, match="larger than 100 bytes"):
            load(f"{server.url}/s.json", limit=100, timeout=5.0)


def test_a_set_can_be_annotated() -> None:
    """``SignalSet`` is for type checkers; at run time it is a tuple."""
    assert SignalSet is tuple
