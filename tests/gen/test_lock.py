"""``--lock``: what is declared, recorded."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from generating import imported, package, run, unique, written
from unit.hostile_http import Server, page, serving

from microagent.declarations import queue_from, signal_from
from microagent.errors import DriftError
from microagent.loading import load_stuff
from microagent.queue import Queue
from microagent.signal import Signal
from microagent.sources.locking import digest, read_lock
from microagent.sources.parsing import parse

SHARED = {"signals": [{"name": "shared", "providing_args": ["x"]}]}
OWN = {"signals": [{"name": "own", "providing_args": []}], "queues": [{"name": "mailer"}]}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({"/shared.json": page(json.dumps(SHARED).encode())}) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    written(tmp_path / "schemas", "own.json", OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_lock_records_everything(project: Path, server: Server) -> None:
    """Fingerprints of all declarations, and digests of what is not in the project; in one line it is told."""
    url = f"{server.url}/shared.json"
    result = run("schemas", url.replace("//", "//user:s3cret@"), "--lock", "contracts.lock")
    assert (result.stdout, result.stderr) == ("contracts.lock: 2 signals, 1 queue, 1 file written\n", "")
    lock = read_lock("contracts.lock")
    assert (lock.signals.keys(), lock.queues.keys(), lock.remote.keys()) == ({"own", "shared"}, {"mailer"}, {url})
    assert lock.remote[url].sha256 == digest(json.dumps(SHARED).encode())
    assert lock.signals["shared"] == parse(json.dumps(SHARED)).signals[0].fingerprint
    assert "s3cret" not in Path("contracts.lock").read_text()
    assert {path.name for path in project.iterdir()} == {"schemas", "contracts.lock"}


def test_a_lock_is_the_same_bytes_every_time(project: Path) -> None:
    """In whichever order and formatting the sources are; a second run writes nothing."""
    run("schemas", "--lock", "contracts.lock")
    text, time = Path("contracts.lock").read_bytes(), Path("contracts.lock").stat().st_mtime_ns
    (project / "schemas" / "own.json").write_text(json.dumps({**OWN, "description": "Own."}, indent=7))
    assert run("schemas", "--lock", "contracts.lock").stdout == "contracts.lock: 1 signal, 1 queue, unchanged\n"
    assert (Path("contracts.lock").read_bytes(), Path("contracts.lock").stat().st_mtime_ns) == (text, time)


def test_check_shows_what_drifted(project: Path, server: Server) -> None:
    """As a diff, a line for each declaration, with exit status 1; and it writes nothing."""
    sources = ("schemas", f"{server.url}/shared.json")
    run(*sources, "--lock", "contracts.lock")
    assert run(*sources, "--lock", "contracts.lock", "--check").stdout.endswith(": 2 signals, 1 queue, up to date\n")
    before = Path("contracts.lock").read_text()
    changed = {"signals": [{"name": "shared", "providing_args": ["x", "y"]}]}
    server.pages["/shared.json"] = page(json.dumps(changed).encode())
    result = run(*sources, "--lock", "contracts.lock", "--check")
    assert result.exit_code == 1
    lines = [line for line in result.stdout.splitlines() if line.startswith(("+ ", "- "))]
    assert [line.split('"')[1] for line in lines] == ["sha256", "sha256", "shared", "shared"]
    assert result.stderr == "contracts.lock is out of date: run microagent-gen again\n"
    assert Path("contracts.lock").read_text() == before


def test_a_service_loads_what_was_locked(project: Path, server: Server) -> None:
    """The lock of the command line is the one that loaders take, also where the URL holds a password."""
    name = unique("locked")
    server.pages["/a.json"] = page(json.dumps({"signals": [{"name": name, "providing_args": ["x"]}]}).encode())
    url = f"{server.url}/a.json".replace("//", "//user:s3cret@")
    assert run(url, "--lock", "contracts.lock").exit_code == 0
    assert load_stuff(url, lock="contracts.lock")[0][0] is Signal.get(name)
    server.pages["/a.json"] = page(json.dumps({"signals": [{"name": name, "providing_args": ["y"]}]}).encode())
    with pytest.raises(DriftError, match=f"signal '{name}' differs"):
        load_stuff(url, lock="contracts.lock")
    assert run(url, "--lock", "contracts.lock").exit_code == 0
    with pytest.raises(ValueError, match="declared twice, differently"):  # this process knows the old one
        load_stuff(url, lock="contracts.lock")


def test_a_lock_goes_with_a_package(project: Path) -> None:
    """Both are written, each with its line; both are checked."""
    result = run("schemas", "-o", "contracts", "--lock", "locks/contracts.lock")
    assert result.stdout.splitlines() == [
        "contracts: 1 signal, 1 queue, 4 files written",
        "locks/contracts.lock: 1 signal, 1 queue, 1 file written",
    ]
    Path("contracts/signals.py").unlink()
    Path("locks/contracts.lock").unlink()
    result = run("schemas", "-o", "contracts", "--lock", "locks/contracts.lock", "--check")
    assert result.stderr.splitlines() == [
        f"{place} is out of date: run microagent-gen again" for place in ("contracts", "locks/contracts.lock")
    ]


def test_the_configuration_names_a_lock(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to its own folder; what the command line writes is all that it writes."""
    Path("pyproject.toml").write_text(
        '[tool.microagent-gen]\nsources = "schemas"\noutput = "contracts"\nlock = "contracts.lock"\n'
    )
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    assert run().stdout.splitlines()[1] == "../contracts.lock: 1 signal, 1 queue, 1 file written"
    assert run("--check").exit_code == 0
    assert run("-o", "other").stdout == "other: 1 signal, 1 queue, 4 files written\n"
    assert run("--lock", "other.lock").stdout == "other.lock: 1 signal, 1 queue, 1 file written\n"


def test_a_lock_may_be_printed(project: Path) -> None:
    """``-`` is the standard output; what else is said goes to the other one."""
    run("schemas", "--lock", "contracts.lock")
    result = run("schemas", "--lock", "-", "-o", "contracts")
    assert result.stdout == Path("contracts.lock").read_text()
    assert result.stderr == "contracts: 1 signal, 1 queue, 4 files written\n"


@pytest.mark.parametrize("option", ["--check", "--watch"])
def test_what_is_printed_cannot_be_compared(option: str, project: Path) -> None:
    """Nor watched: a wrong command line."""
    result = run("schemas", "--lock", "-", option)
    assert result.exit_code == 2
    assert f"{option} needs output files, not the standard output" in result.stderr


def test_the_file_of_somebody_else_stays(project: Path) -> None:
    """A mistyped name costs nothing; a lock in which git has left its marks can be written anew."""
    Path("package.json").write_text("{}\n")
    result = run("schemas", "-o", "contracts", "--lock", "package.json")
    assert (result.exit_code, Path("package.json").read_text()) == (1, "{}\n")
    assert result.stderr == "package.json: not written by microagent-gen; move it away, or choose another file\n"
    assert not Path("contracts").exists()
    run("schemas", "--lock", "contracts.lock")
    before = Path("contracts.lock").read_text()
    Path("contracts.lock").write_text(before.replace('    "mailer"', '<<<<<<< HEAD\n    "mailer"'))
    assert run("schemas", "--lock", "contracts.lock").exit_code == 0
    assert Path("contracts.lock").read_text() == before


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (".", "this is a folder, and a file has to be written here"),
        ("/dev/null", "this is not a regular file, and a file has to be written here"),
        ("schemas/own.json/x", "cannot be read: Not a directory"),
    ],
)
def test_a_place_that_is_none_is_told(place: str, said: str, project: Path) -> None:
    """In a sentence."""
    result = run("schemas", "--lock", place)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"{place}: {said}\n"


def test_a_failure_changes_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one of several places cannot be written, the others are as they were."""
    run("schemas", "-o", "contracts", "--lock", "locks/contracts.lock")
    before = {path: path.read_bytes() for path in (*Path("contracts").iterdir(), *Path("locks").iterdir())}
    written(project / "schemas", "own.json", SHARED)
    real = Path.open

    def refuse(path: Path, mode: str = "r", **options: object) -> object:
        if path.parent.name == "locks" and "x" in mode:
            raise OSError(28, "No space left on device", str(path))
        return real(path, mode, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    result = run("schemas", "-o", "contracts", "--lock", "locks/contracts.lock")
    assert result.exit_code == 1
    assert result.stderr.endswith("cannot be written: No space left on device\n")
    assert before == {path: path.read_bytes() for path in (*Path("contracts").iterdir(), *Path("locks").iterdir())}


# -- the fingerprints that are recorded


def test_a_fingerprint_is_the_same_through_every_door(tmp_path: Path) -> None:
    """Generated, loaded, read back from its structure; whatever the formatting is, and what is said to people."""
    signal, queue = unique("fingerprinted"), unique("fingerprinted")
    document = {
        "signals": [
            {"name": signal, "providing_args": {"a": "string", "b": ["null", "integer"]}, "returns": "integer"}
        ],
        "queues": [{"name": queue, "payload": {"$ref": "#/$defs/Order"}, "exchange": "e", "topics": ["b", "a"]}],
        "$defs": {"Order": {"type": "object", "properties": {"total": {"type": "number"}}}, "Other": {}},
    }
    declared = parse(json.dumps(document))
    expected = {declared.signals[0].fingerprint, declared.queues[0].fingerprint}
    payload = {
        "description": "For people.",
        "required": ["b", "a"],
        "properties": {"b": {"type": ["integer", "null"], "title": "B"}, "a": {"type": "string", "examples": ["x"]}},
    }
    reworded = {
        "queues": [{**document["queues"][0], "topics": ["a", "b"], "deprecated": True}],
        "$defs": {"Order": {"properties": {"total": {"type": ["number"], "title": "Sum"}}, "type": "object"}},
        "signals": [{"name": signal, "payload": payload, "returns": {"type": "integer", "description": "How many."}}],
    }
    again = parse(json.dumps(reworded, indent=5))
    assert {again.signals[0].fingerprint, again.queues[0].fingerprint} == expected
    with imported(package(tmp_path, document)) as contracts:
        generated = {getattr(contracts.signals, signal).fingerprint, getattr(contracts.queues, queue).fingerprint}
        assert generated == expected
        loaded = load_stuff(f"file://{written(tmp_path, 'again.json', reworded)}")
        assert {word.fingerprint for words in loaded for word in words} == expected
        assert {Signal.get(signal).fingerprint, Queue.get(queue).fingerprint} == expected
    read = signal_from(signal, declared.signals[0].structure()), queue_from(queue, declared.queues[0].structure())
    assert {each.fingerprint for each in read} == expected


def test_a_fingerprint_says_nothing_of_the_name() -> None:
    """It is of the structure; in a lock it stands beside the name."""
    assert Signal(unique("one"), ["x"]).fingerprint == Signal(unique("other"), ["x"]).fingerprint
    assert Queue(unique("one")).fingerprint != Queue(unique("other"), payload={"minProperties": 1}).fingerprint
