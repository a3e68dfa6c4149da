"""``--watch``: a package that follows its sources."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from generating import run, written

from microagent_gen.sources import watched_files

PATIENCE = 30.0


def document(*arguments: str) -> dict:
    return {"signals": [{"name": "a_signal", "providing_args": list(arguments)}]}


class Watching:
    """The command in a process of its own, and what it says."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.said = folder / "said"
        command = [sys.executable, "-u", "-m", "microagent_gen", "--watch", *arguments]
        with self.said.open("w") as file:
            self.process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=subprocess.STDOUT)

    def until_said(self, text: str, times: int = 1) -> None:
        self._until(lambda: self.said.read_text().count(text) >= times, f"{text!r} was not said")

    def until_holds(self, path: str, text: str) -> None:
        file = self.folder / path
        self._until(lambda: file.exists() and text in file.read_text(), f"{path} does not hold {text!r}")

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def _until(self, condition, complaint: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < deadline, f"{complaint}: {self.said.read_text()}"
            time.sleep(0.02)


@contextmanager
def watching(folder: Path, *arguments: str) -> Iterator[Watching]:
    found = Watching(folder, *arguments)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()


def test_the_package_follows_its_sources(tmp_path):
    """A file that is written, replaced as editors do, added, broken or mended is followed; Ctrl-C ends it quietly."""
    source = written(tmp_path / "schemas", "a.json", document("first"))
    with watching(tmp_path, "schemas", "-o", "out") as command:
        command.until_holds("out/__init__.py", "ASignal")
        command.until_holds("out/signals.py", "first")
        written(tmp_path / "schemas", "a.json", document("second"))
        command.until_holds("out/signals.py", "second")
        os.replace(written(tmp_path, "aside.json", document("third")), source)
        command.until_holds("out/signals.py", "third")
        written(tmp_path / "schemas", "b.json", {"queues": [{"name": "a_queue"}]})
        command.until_holds("out/queues.py", "a_queue")
        source.write_text("{")
        command.until_said("a.json:1:2: not valid JSON")
        source.unlink()
        command.until_said("0 signals, 1 queue")
        assert command.interrupt() == 0
        assert "Traceback" not in command.said.read_text()
        assert "Aborted" not in command.said.read_text()


def test_the_package_follows_what_its_sources_refer_to(tmp_path):
    """A file beside the source, from the first run on; one that it refers to later; one that is not there yet."""
    payload = {"properties": {"size": {"$ref": "deep/size.json"}}}
    written(tmp_path / "schemas", "a.json", {"queues": [{"name": "a_queue", "payload": payload}]})
    written(tmp_path / "schemas/deep", "size.json", {"type": "integer"})
    with watching(tmp_path, "schemas", "-o", "out") as command:
        command.until_holds("out/queues.py", '"type":"integer"')
        written(tmp_path / "schemas/deep", "size.json", {"$ref": "more.json"})
        command.until_said("more.json: No such file or directory")
        written(tmp_path / "schemas/deep", "more.json", {"type": "boolean"})
        command.until_holds("out/queues.py", '"type":"boolean"')
        written(tmp_path / "schemas/deep", "more.json", {"type": "null"})
        command.until_holds("out/queues.py", '"type":"null"')
        assert command.interrupt() == 0


def test_the_configuration_is_followed(tmp_path):
    """Another output, a mistake, and its correction: each is seen, and none ends it."""
    written(tmp_path / "schemas", "a.json", document())
    configuration = tmp_path / "pyproject.toml"
    configuration.write_text('[tool.microagent-gen]\nsources = "schemas"\noutput = "one"\n')
    with watching(tmp_path) as command:
        command.until_holds("one/__init__.py", "ASignal")
        configuration.write_text('[tool.microagent-gen]\nsource = "schemas"\n')
        command.until_said("has no key 'source'")
        configuration.write_text('[tool.microagent-gen]\nsources = "missing"\noutput = "two"\n')
        command.until_said("no such file or folder: missing")
        configuration.write_text('[tool.microagent-gen]\nsources = "schemas"\noutput = "two"\n')
        command.until_holds("two/__init__.py", "ASignal")
        command.until_said("two: 1 signal, 0 queues, 4 files written")
        written(tmp_path / "schemas", "a.json", document("first"))
        command.until_said("two: 1 signal, 0 queues, 1 file written")
        assert "unchanged" not in command.said.read_text()
        assert command.interrupt() == 0


def test_a_source_that_goes_away_is_waited_for(tmp_path):
    """A source that is removed is an error that is shown; when it is there again, the package follows."""
    source = written(tmp_path, "a.json", document("before"))
    with watching(tmp_path, "a.json", "-o", "out", "--quiet") as command:
        command.until_holds("out/signals.py", "before")
        source.unlink()
        command.until_said("no such file or folder: a.json")
        written(tmp_path, "a.json", document("after"))
        command.until_holds("out/signals.py", "after")
        assert command.interrupt() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.json", "-o", "out", "--check"], "--check and --watch exclude each other"),
        (["https://example.org/a.json", "-o", "out"], "--watch needs files or folders"),
        (["nowhere.json", "-o", "out"], "no such file or folder: nowhere.json"),
        (["a.json"], "no output: pass -o DIR"),
    ],
)
def test_mistakes_of_the_command_line_end_it(arguments, said, tmp_path, monkeypatch):
    """What cannot be watched is said at once, with exit status 2."""
    written(tmp_path, "a.json", document())
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, "--watch")
    assert result.exit_code == 2
    assert said in result.stderr


# -- what is seen


def test_a_folder_means_the_files_in_it_now(tmp_path):
    """Watched are files, the *.json files of folders, and what is not there yet; URLs are not."""
    one, two = written(tmp_path, "one.json", {}), written(tmp_path / "more", "two.json", {})
    (tmp_path / "more" / "notes.txt").touch()
    missing = tmp_path / "missing"
    assert watched_files([str(one), str(tmp_path / "more"), str(missing), "https://example.org/a.json"]) == [
        one,
        two,
        missing,
    ]
