"""The names that the manual documents, and the command itself; tests/e2e/test_marun.py runs it for real."""

import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner

from microagent import errors, launcher
from microagent.launcher import main


def test_names_of_the_manual() -> None:
    """
    ``microagent.launcher`` has every name that the manual lists for it.
    """
    assert {"AgentsManager", "GroupInterrupt", "ServerInterrupt", "init_agent", "load_configuration"} <= set(
        launcher.__all__
    )
    assert launcher.ServerInterrupt is errors.ServerInterrupt
    assert launcher.GroupInterrupt is errors.GroupInterrupt


def test_working_directory_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Settings are found in the working directory.
    """
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.chdir(tmp_path)
    name = f"settings_{uuid4().hex}"
    (tmp_path / f"{name}.py").write_text("")

    result = CliRunner().invoke(main, [name])

    assert (result.exit_code, result.stderr) == (2, f"marun: {name}: no agents are configured, AGENT is missing\n")
    assert os.getcwd() in sys.path
