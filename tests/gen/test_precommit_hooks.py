"""The hooks that other projects get from this repository through pre-commit."""

import re
import tomllib
from pathlib import Path

import pytest
from generating import run, written

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".pre-commit-hooks.yaml").read_text()
ENTRIES = dict(re.findall(r"^- id: (\S+)\n(?:  .*\n)*?  entry: (.*)$", TEXT, re.MULTILINE))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project as README describes one."""
    written(tmp_path / "schemas", "a.json", {"queues": [{"name": "a_queue"}]})
    (tmp_path / "pyproject.toml").write_text('[tool.microagent-gen]\nsources = "schemas"\noutput = "contracts"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def status(hook: str) -> int:
    command, *arguments = ENTRIES[hook].split()
    assert command == "microagent-gen"
    return run(*arguments).exit_code


def test_the_checking_hook_fails_until_the_generating_one_has_run(project):
    """One hook finds that a package is not what it should be, the other one makes it so."""
    assert ENTRIES.keys() == {"microagent-gen", "microagent-gen-check"}
    assert status("microagent-gen-check") == 1
    assert status("microagent-gen") == 0
    assert status("microagent-gen-check") == 0


def test_hooks_install_what_the_generator_needs():
    """pre-commit installs the package without its extras, so the hooks name what is in ``gen``."""
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["gen"]
    listed = re.findall(r"additional_dependencies: \[(.*)\]", TEXT)
    assert listed == [", ".join(f'"{requirement}"' for requirement in extra)] * len(ENTRIES)


@pytest.mark.parametrize("name", ["schemas/a.json", "pyproject.toml", "app/pyproject.toml", "app/contracts/signals.py"])
def test_hooks_run_when_something_changes_that_counts(name):
    """Declarations, configuration and generated files make the hooks run."""
    for pattern in re.findall(r"files: (.*)", TEXT):
        assert re.search(pattern, name)
        assert not re.search(pattern, "notes.md")
