"""README, as its reader would follow it: its files are written, its commands run, its examples executed."""

import ast
import asyncio
import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

README = Path(__file__).parents[2] / "README.md"
BIN = Path(sys.executable).parent
PATIENCE = 60.0


@dataclass
class Block:
    """A fenced block, its language, the line before it, and its first line in the file."""

    language: str
    text: str
    intro: str
    line: int

    @property
    def path(self) -> str | None:
        """The file that the block is, when the line before it ends with its name: ``in `x/y.py`:``."""
        match = re.search(r"`([\w/]+\.\w+)`:$", self.intro)
        return match[1] if match else None


def blocks(section: str, level: int = 2) -> list[Block]:
    """The fenced blocks below a heading, up to the next one of its level."""
    text = README.read_text()
    start = text.index(f"\n{'#' * level} {section}\n")
    following = re.compile(rf"\n#{{2,{level}}} ").search(text, start + 1)
    end = following.start() if following else len(text)
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", text[start:end], re.MULTILINE | re.DOTALL)
    return [
        Block(
            match[1],
            match[2],
            text[: start + match.start()].rstrip().rpartition("\n")[2],
            text[: start + match.start(2)].count("\n") + 1,
        )
        for match in found
    ]


def environment() -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COVERAGE", "MICROAGENT"))}
    return {**own, "PATH": f"{BIN}{os.pathsep}{own['PATH']}"}


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block with the lines of output that are shown."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, [line for line in output.splitlines() if line.strip(" …")]


def is_shown(expected: str, output: str) -> bool:
    """Whether a line of the output reads as README says, `…` standing for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.search(f"^{pattern}$", output, re.MULTILINE) is not None


def run(command: str, expected: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    missing = [line for line in expected if not is_shown(line, done.stdout)]
    assert not missing, f"$ {command}\n{done.stdout}{done.stderr}\nREADME also promises: {missing}"


def run_until_shown(command: str, expected: list[str], folder: Path) -> None:
    """Start a command that goes on, wait for the output that README shows, and press Ctrl-C."""
    log = folder / "output.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command.split(), cwd=folder, env=environment(), stdout=output, stderr=output, start_new_session=True
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while missing := [line for line in expected if not is_shown(line, log.read_text())]:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, f"{log.read_text()}\nREADME also promises: {missing}"
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(PATIENCE) == 0, log.read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the first project, and what is generated from them."""
    folder = tmp_path_factory.mktemp("project")
    for block in blocks("A first project, in ten minutes"):
        if block.path:
            target = folder / block.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
    return folder


def test_first_project(project: Path):
    """Every command of the first project does what README shows, in its order."""
    mistakes = (project / "myproj/mistakes.py").rename(project / "mistakes.later")
    seen = []
    for block in blocks("A first project, in ten minutes"):
        if block.path == "myproj/mistakes.py":
            mistakes.rename(project / block.path)
        if block.language != "console":
            continue
        for command, expected in commands(block):
            seen.append(command.split()[0])
            if seen[-1] == "pip":
                continue  # test_dist.py installs the wheel in an empty environment
            (run_until_shown if seen[-1] == "marun" else run)(command, expected, project)
    assert seen == ["pip", "mkdir", "touch", "microagent-gen", "mypy", "marun", "python", "mypy"]


def test_features(project: Path):
    """
    Every example of the features runs, each in the session of the ones before.

    In a process of its own, because other tests may have declared other things under the same names.
    """
    run("microagent-gen schemas/ -o myproj/contracts", [], project)
    session = subprocess.run(
        [sys.executable, "-W", "error", __file__],
        cwd=project,
        env={**environment(), "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert session.returncode == 0, session.stdout + session.stderr


def test_commands_of_marun(project: Path):
    """The commands say what README shows, and one that stays ends cleanly."""
    run("microagent-gen schemas/ -o myproj/contracts", [], project)
    seen = []
    for block in blocks("marun", level=3):
        for command, expected in commands(block) if block.language == "console" else []:
            seen.append(command)
            (run_until_shown if "--reload" in command else run)(command, expected, project)
    assert len(seen) == 3


def test_commands_of_the_generator(project: Path):
    """With the pyproject.toml that README shows, the commands say what it says."""
    run("microagent-gen schemas/ -o myproj/contracts", [], project)
    seen = []
    for block in blocks("microagent-gen", level=3):
        if block.path:
            (project / block.path).write_text(block.text)
        for command, expected in commands(block) if block.language == "console" else []:
            seen.append(command)
            (run_until_shown if "--watch" in command else run)(command, expected, project)
    assert seen == [
        "microagent-gen",
        "microagent-gen --check",
        "microagent-gen --watch",
        "microagent-gen --lock contracts.lock",
        "microagent-gen --lock contracts.lock --check",
        "microagent-gen --asyncapi asyncapi.json --json-schema json-schemas",
        "microagent-gen asyncapi.json -o myproj/contracts",
    ]


def test_commands_of_changing_contracts(project: Path, tmp_path: Path):
    """In a repository that holds the first project, what breaks is told as README and the page of rules show it."""
    folder = shutil.copytree(project, tmp_path / "project")
    identity = "-c user.name=nobody -c user.email=nobody@example.org"
    for command in ("init -q -b main", "add schemas", f"{identity} commit -q -m begun"):
        run(f"git {command}", [], folder)
    told = [found for block in blocks("Changing contracts", level=3) for found in commands(block)]
    for command, expected in told:
        run(command, expected, folder)
    assert [command.split()[0] for command, _ in told] == ["sed", "microagent-gen"]
    page = README.with_name("docs").joinpath("contract-changes.md").read_text()
    assert all(line in page for line in told[1][1])


async def _execute(examples: list[Block]) -> None:
    """The examples, one after the other, in one session."""
    session: dict[str, Any] = {"__name__": "readme"}
    for block in examples:
        result = eval(_compiled(block), session)
        if inspect.isawaitable(result):
            await result
    assert len(examples) > 10


def _compiled(block: Block) -> CodeType:
    source = "\n" * block.line + block.text
    return compile(source, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


if __name__ == "__main__":
    asyncio.run(_execute([block for block in blocks("Features") if block.language == "python"]))
