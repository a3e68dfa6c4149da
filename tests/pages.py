"""Pages of the documentation as their readers follow them: files are written, commands run, examples executed."""

import ast
import asyncio
import inspect
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
BIN = Path(sys.executable).parent
PATIENCE = 60.0
NOT_RUN = ("pip ", "make ")  # test_dist.py installs the wheel in an empty environment; make runs the tests themselves
NOBODY = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@dataclass(frozen=True)
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

    @property
    def is_example(self) -> bool:
        """Whether it is a piece of the page's session."""
        return self.language == "python" and self.path is None

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Each command of a console block with the lines of output that are shown."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:] if self.language == "console" else ():
            command, _, output = part.partition("\n")
            yield command, [line for line in output.splitlines() if line.strip(" …")]


def blocks(page: Path, section: str | None = None) -> list[Block]:
    """The fenced blocks of a page, or those below one of its headings of the second level."""
    text = page.read_text("utf-8")
    start, end = 0, len(text)
    if section is not None:
        start = text.index(f"\n## {section}\n")
        end = text.find("\n## ", start + 1)
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


def follow(page: Path, folder: Path, section: str | None = None) -> list[str]:
    """
    Do what a page says in a folder, block by block; its examples are one session, after all commands.

    :return: the commands that were run, and ``(examples)`` for the session
    """
    done: list[str] = []
    for block in blocks(page, section):
        if block.path:
            target = folder / block.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, "utf-8")
        for command, expected in block.commands():
            if not command.startswith(NOT_RUN):
                (run_until_shown if stays(command) else run)(command, expected, folder)
                done.append(command)
    if any(block.is_example for block in blocks(page, section)):
        run_session(page, folder, section)
        done.append("(examples)")
    return done


def stays(command: str) -> bool:
    """Whether a command goes on until Ctrl-C."""
    return "--watch" in command or (
        command.startswith("marun") and "--check" not in command and "--asyncapi" not in command
    )


def environment() -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COVERAGE", "MICROAGENT"))}
    return {**own, **NOBODY, "PATH": f"{BIN}{os.pathsep}{own['PATH']}"}


def is_shown(expected: str, output: str) -> bool:
    """Whether a line of the output reads as the page says, `…` standing for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.search(f"^{pattern}$", output, re.MULTILINE) is not None


def run(command: str, expected: list[str], folder: Path) -> None:
    """Run a command to its end, and look for the output that the page shows."""
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
    output = done.stdout + done.stderr
    missing = [line for line in expected if not is_shown(line, output)]
    assert not missing, f"$ {command}\n{output}\nThe page also promises: {missing}"
    assert expected or done.returncode == 0, f"$ {command}\n{output}"


def run_until_shown(command: str, expected: list[str], folder: Path) -> None:
    """Start a command that goes on, wait for the output that the page shows, and press Ctrl-C."""
    log = folder / "output.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command.split(), cwd=folder, env=environment(), stdout=output, stderr=output, start_new_session=True
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while missing := [line for line in expected if not is_shown(line, log.read_text())]:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, f"{log.read_text()}\nThe page also promises: {missing}"
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(PATIENCE) == 0, log.read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def as_module(page: Path, section: str | None = None) -> str:
    """The examples of a page as a module for type checkers, which know of no ``await`` outside of functions."""
    session = "\n".join(block.text for block in blocks(page, section) if block.is_example)
    return f"async def session() -> None:\n{textwrap.indent(session, '    ')}" if session else ""


def run_session(page: Path, folder: Path, section: str | None = None) -> None:
    """
    Execute the examples of a page, each in the session of the ones before.

    In a process of its own, because other tests may have declared other things under the same names.
    """
    session = subprocess.run(
        [sys.executable, "-W", "error", __file__, page, *([] if section is None else [section])],
        cwd=folder,
        env={**environment(), "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert session.returncode == 0, session.stdout + session.stderr


async def _execute(page: Path, section: str | None = None) -> None:
    """The examples, one after the other, in one session."""
    session: dict[str, Any] = {"__name__": page.stem}
    for block in blocks(page, section):
        if block.is_example:
            result = eval(_compiled(block, page), session)
            if inspect.isawaitable(result):
                await result
    await _leave_nothing()


async def _leave_nothing() -> None:
    """A reader follows the next page in the same folder: no message is left there to surprise it."""
    from microagent import Queue
    from microagent.tools.local import LocalBroker

    async with LocalBroker("local://") as broker:
        for name in tuple(Queue._register):
            assert (await broker.queue_length(name), await broker.dead(name)) == (0, []), f"{name} is not empty"


def _compiled(block: Block, page: Path) -> CodeType:
    source = "\n" * (block.line - 1) + block.text
    return compile(source, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


if __name__ == "__main__":
    asyncio.run(_execute(Path(sys.argv[1]), *sys.argv[2:]))
