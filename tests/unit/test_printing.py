"""Outputs that take nothing."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("asked", ["--check", "--asyncapi=-"])
def test_marun_says_that_it_can_print_nothing(asked: str, tmp_path: Path) -> None:
    """In one sentence, with status 1: a full disk behind the standard output is no traceback."""
    (tmp_path / "settings.py").write_text("AGENT = {'a': {'backend': 'microagent.MicroAgent'}}\n")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [Path(sys.executable).with_name("marun"), "settings", asked],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    said = "marun: the standard output: cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_an_empty_name_of_a_document_runs_no_agent(tmp_path: Path) -> None:
    """As of a variable that is not set: it is told, and the group is not started instead."""
    (tmp_path / "settings.py").write_text("AGENT = {'a': {'backend': 'microagent.MicroAgent'}}\n")
    command = [Path(sys.executable).with_name("marun"), "settings", "--asyncapi", ""]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n"), "cannot be written" in done.stderr) == (2, 1, True)
