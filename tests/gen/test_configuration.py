"""What ``[tool.microagent-gen]`` of a pyproject.toml says."""

import os
from pathlib import Path

import pytest
from generating import contents, run, written

from microagent.errors import ConfigurationError
from microagent_gen.configuration import Configuration, configuration

DOCUMENT = {"signals": [{"name": "a_signal", "providing_args": []}]}


def configured(folder: Path, *lines: str, table: str = "tool.microagent-gen") -> Path:
    """A pyproject.toml with these lines in its table."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pyproject.toml"
    path.write_text("\n".join([f"[{table}]", *lines, ""]))
    return path


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with declarations and a configuration; the working directory."""
    folder = tmp_path / "project"
    written(folder / "schemas", "a.json", DOCUMENT)
    configured(folder, 'sources = ["schemas"]', 'output = "app/contracts"')
    monkeypatch.chdir(folder)
    return folder


def test_without_arguments_the_configuration_says_everything(project):
    """With sources and output in pyproject.toml the command needs no argument, and --check none but itself."""
    assert run().stdout == "app/contracts: 1 signal, 0 queues, 4 files written\n"
    assert run("--check").exit_code == 0


def test_paths_are_relative_to_the_file(project, monkeypatch):
    """From a folder below, the same sources give the same package in the same place."""
    (project / "app" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(project / "app" / "deeper")
    assert run().exit_code == 0
    assert "signals.py" in contents(project / "app" / "contracts")


def test_absolute_paths_and_urls_stay_as_they_are(tmp_path, monkeypatch):
    """Only relative paths are those of the file's folder."""
    configured(tmp_path, 'sources = ["/a.json", "https://example.org/b.json", "c.json"]', 'output = "/out"')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    found = configuration(Path.cwd())
    assert found.sources == ("/a.json", "https://example.org/b.json", os.path.join("..", "c.json"))
    assert found.outputs.folder == Path("/out")


def test_a_single_source_needs_no_list(tmp_path):
    """``sources`` may be one string."""
    configured(tmp_path, f'sources = "{tmp_path}/schemas"')
    assert configuration(tmp_path).sources == (f"{tmp_path}/schemas",)


def test_the_command_line_wins(project, tmp_path):
    """Sources and -o of the command line take the place of those in the file, each for itself."""
    other = written(tmp_path, "other.json", {"queues": [{"name": "a_queue"}]})
    assert run(other).stdout == "app/contracts: 0 signals, 1 queue, 4 files written\n"
    assert run("-o", "elsewhere").stdout == "elsewhere: 1 signal, 0 queues, 4 files written\n"


def test_a_configuration_that_is_not_needed_is_not_read(project):
    """Where the command line says everything, a broken pyproject.toml does not matter."""
    (project / "pyproject.toml").write_text("[")
    assert run("schemas", "-o", "out").exit_code == 0


def test_the_nearest_table_counts(project, monkeypatch):
    """A pyproject.toml without the table is passed by on the way up."""
    configured(project / "app", "line-length = 120", table="tool.ruff")
    configured(project / "app" / "part", 'output = "here"')
    assert configuration(project / "app").file == project / "pyproject.toml"
    found = configuration(project / "app" / "part")
    assert found.outputs.folder == Path("app/part/here")
    assert found.sources == ()


def test_no_configuration_says_nothing(tmp_path):
    """Without any table the command line has to say everything."""
    assert configuration(tmp_path) == Configuration()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.microagent-gen]\nsource = []", "has no key 'source', did you mean 'sources'?"),
        ("[tool.microagent-gen]\nzzz = 1", "has no key 'zzz'"),
        (
            "[tool.microagent-gen]\nsources = 1",
            "sources must be a path or URL, or a list of them",
        ),
        (
            "[tool.microagent-gen]\nsources = [1]",
            "sources must be a path or URL, or a list of them",
        ),
        ('[tool.microagent-gen]\noutput = ["a"]', "output must be a path: a string"),
        ("[tool.microagent-gen]\nlock = 1", "lock must be a path: a string"),
        ('[tool.microagent-gen]\nlock = "-"', "lock must be a path: a string"),
        ("[tool]\nmicroagent-gen = 1", "must be a table"),
        ("[tool", "not valid TOML: "),
        ("a = " + "[" * 100_000, "not valid TOML: "),
        (b"a = '\xff'", "not valid UTF-8"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_with_the_file(text, said, tmp_path, monkeypatch):
    """A mistake in the configuration is named with its file; the exit status is that of a wrong command line."""
    path = tmp_path / "pyproject.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml: "):
        configuration(tmp_path)
    result = run()
    assert result.exit_code == 2
    assert f"{path}: " in result.stderr
    assert said in result.stderr


def test_a_file_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    """A pyproject.toml that the system does not give is named, with its reason."""
    configured(tmp_path)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml: cannot be read: Permission denied"):
        configuration(tmp_path)


@pytest.mark.parametrize(("lines", "said"), [([], "no sources"), (['sources = "schemas"'], "no output: pass -o DIR")])
def test_what_is_said_nowhere_is_asked_for(lines, said, project):
    """Where neither the command line nor the file names sources or a place, the error names both ways."""
    configured(project, *lines)
    result = run()
    assert result.exit_code == 2
    assert said in result.stderr
    assert "[tool.microagent-gen]" in result.stderr
