"""The files of a package against the folder they belong in: compared, shown, written whole or not at all."""

import difflib
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from microagent.errors import MicroAgentError
from microagent_gen.layout import MARK

_NAME = r"(__init__|signals|queues|_signals_\d{3,}|_queues_\d{3,})\.py"
_OURS = re.compile(_NAME)
_TEMPORARY = re.compile(rf"\.({_NAME}|py\.typed)\.[0-9a-f]{{8}}")


class OutputError(MicroAgentError):
    """The folder holds something that must not be overwritten."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file that is not as it should be; ``before`` None: it is missing, ``after`` None: it is stale."""

    path: Path
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done to a folder, packages last, then what is stale."""

    folder: Path
    changes: tuple[Change, ...]

    @property
    def written(self) -> int:
        """How many files are written."""
        return sum(change.after is not None for change in self.changes)

    @property
    def removed(self) -> int:
        """How many stale files are removed."""
        return len(self.changes) - self.written


def compare(folder: Path, files: Mapping[str, str]) -> Plan:
    """
    What it takes to make the folder hold these files.

    :raises OutputError: if a file of one of these names was not written by this program
    """
    ordered = sorted(files, key=lambda name: (name == "__init__.py", name))
    wanted = [(folder / name, files[name].encode()) for name in ordered]
    found = [Change(path, _content(path), after) for path, after in wanted]
    foreign = [change.path for change in found if change.before != change.after and not _is_ours(change.before)]
    if foreign:
        names = ", ".join(map(str, foreign))
        raise OutputError(f"{names}: not written by microagent-gen; move it away, or choose another folder")
    changed = [change for change in found if change.before != change.after]
    return Plan(folder, (*changed, *_stale(folder, files)))


def diff(plan: Plan) -> str:
    """The changes as a unified diff."""
    return "".join(line for change in plan.changes for line in _file_diff(change))


def write(plan: Plan) -> None:
    """
    Do what the plan says; when that fails, the folder is as it was.

    Each file takes the place of the one before in one step, the package itself last. A process that is killed between
    two of these steps leaves files of both kinds: the next run completes them, and removes what was left over.

    :raises OSError: if the file system refuses
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(plan.folder):
        _remove_leftovers(plan.folder)
        _write(plan)


def _write(plan: Plan) -> None:
    staged: list[tuple[Path, Change]] = []
    try:
        for change in plan.changes:
            if change.after is not None:
                staged.append((_stage(change.path, change.after), change))
        _replace(staged)
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
    for change in plan.changes:
        if change.after is None:
            change.path.unlink(missing_ok=True)


@contextmanager
def _alone_in(folder: Path) -> Generator[None, None, None]:
    """Let only one process at a time write into the folder, where the file system has locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_leftovers(folder: Path) -> None:
    for path in folder.iterdir():
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise OutputError(f"{path}: a folder is where a file has to be written") from None


def _is_ours(content: bytes | None) -> bool:
    """Whether nothing of somebody else's is lost with a file; an empty one holds nothing."""
    return not content or content.startswith(MARK.encode())


def _stale(folder: Path, files: Mapping[str, str]) -> Iterator[Change]:
    for path in sorted(folder.glob("*.py")):
        if path.name not in files and _OURS.fullmatch(path.name) and path.is_file():
            content = path.read_bytes()
            if content.startswith(MARK.encode()):
                yield Change(path, content, None)


def _file_diff(change: Change) -> Iterator[str]:
    before, after = ((content or b"").decode(errors="replace") for content in (change.before, change.after))
    names = ["/dev/null" if content is None else str(change.path) for content in (change.before, change.after)]
    if not before and not after:
        yield f"--- {names[0]}\n+++ {names[1]}\n"
    for line in difflib.unified_diff(before.splitlines(True), after.splitlines(True), names[0], names[1]):
        yield line if line.endswith("\n") else f"{line}\n"


def _stage(path: Path, content: bytes) -> Path:
    """A file beside ``path`` that is ready to take its place."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        if path.exists():
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _replace(staged: list[tuple[Path, Change]]) -> None:
    done: list[Change] = []
    try:
        for temporary, change in staged:
            os.replace(temporary, change.path)
            done.append(change)
    except BaseException:
        for change in done:
            _restore(change)
        raise


def _restore(change: Change) -> None:
    if change.before is None:
        change.path.unlink()
    else:
        os.replace(_stage(change.path, change.before), change.path)
