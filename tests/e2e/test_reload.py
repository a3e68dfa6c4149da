"""marun --reload, with real processes."""

import os
import signal
import time
from pathlib import Path

import pytest
from marun_group import Group, is_running, marun, until, write

SETTINGS = 'BUS = BROKER = {}\nAGENT = {"only": {"backend": "agents.Only"}}'

AGENT = """
    import json, time
    from microagent import MicroAgent, on

    class Only(MicroAgent):
        @on("post_start")
        def up(self):
            print(f"{self!r} is up", json.load(open("data.json")), flush=True)

        @on("pre_stop")
        def down(self):
            print("down", flush=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An agent that tells what ``data.json`` says."""
    write(tmp_path, settings=SETTINGS, agents=AGENT)
    (tmp_path / "data.json").write_text("1")
    return tmp_path


def stop(group: Group) -> None:
    """Ctrl-C in the terminal."""
    os.killpg(group.process.pid, signal.SIGINT)
    assert group.ends() == 0
    assert "Traceback" not in group.output


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_group_follows_its_files(project: Path, start_method: str) -> None:
    """
    A changed module or JSON file stops the group in order, and starts it with what is there now; Ctrl-C ends it.
    """
    with marun(project, "settings", "--reload", "--start-method", start_method) as group:
        group.says("is up 1")
        (project / "data.json").write_text("2")
        group.says("is up 2")
        write(project, agents=AGENT.replace("is up", "stands"))
        group.says("stands 2")

        stop(group)
        assert group.output.count("down") == 3
        assert group.output.count("Files have changed") == 2


def test_mistakes_are_shown_and_waited_for(project: Path) -> None:
    """
    Settings that are wrong, and an agent that crashes, are told; the next change gets another try.
    """
    with marun(project, "settings", "--reload") as group:
        group.says("is up 1")
        write(project, settings="AGENT = {")
        group.says("marun: settings: importing 'settings' failed: SyntaxError: '{' was never closed")
        group.says("The group has ended")
        (project / "data.json").write_text("{")
        write(project, settings=SETTINGS)
        group.says("marun: agent 'only' failed with exit status 1; the group was stopped")
        group.says("The group has ended", times=2)
        (project / "data.json").write_text("3")
        group.says("is up 3")

        os.killpg(group.process.pid, signal.SIGINT)
        assert group.ends() == 0


def test_what_is_nobodys_source_is_not_watched(project: Path) -> None:
    """
    Hidden folders, virtual environments and other kinds of files change without a restart.
    """
    for folder in (".hidden", "env", "node_modules"):
        (project / folder).mkdir()
    (project / "env" / "pyvenv.cfg").touch()
    with marun(project, "settings", "--reload") as group:
        group.says("is up 1")
        for name in (".hidden/a.py", "env/a.py", "node_modules/a.json", "notes.txt"):
            (project / name).write_text("1")
        (project / "data.json").write_text("2")
        group.says("is up 2")

        stop(group)
        assert group.output.count("Files have changed") == 1


def test_second_ctrl_c_kills_at_once(project: Path) -> None:
    """
    As it does without ``--reload``.
    """
    write(project, agents=AGENT.replace('print("down", flush=True)', 'print("down", flush=True); time.sleep(3600)'))
    with marun(project, "settings", "--reload") as group:
        group.says("is up")
        group.send(signal.SIGINT)
        group.says("down")
        time.sleep(0.5)  # two signals within 0.2 s are one
        group.send(signal.SIGINT)

        assert group.ends(timeout=5) == 0
        assert "marun: agent 'only' did not stop and was killed" in group.output


def test_nothing_outlives_it(project: Path) -> None:
    """
    When it is killed with -9, the group stops, too.
    """
    with marun(project, "settings", "--reload") as group:
        group.says("is up")
        group.send(signal.SIGKILL)

        until(lambda: not any(map(is_running, group.pids)), "the agent is gone", timeout=10)
        assert "down" in group.output
