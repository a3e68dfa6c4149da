"""Files against the folders they belong in: compared, shown, written whole or not at all."""

import difflib
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from microagent.errors import MicroAgentError
from microagent_gen.layout import MARK
from microagent_gen.transition import order, transitional


@dataclass(frozen=True, slots=True)
class Family:
    """
    Files that belong together, and how those of this program are told from those of others.

    :ivar names: a regular expression of the names that such files have
    :ivar mark: what each of them begins with; an empty one holds nothing of anybody's
    :ivar place: what people call the place they are in
    """

    names: str
    mark: bytes
    place: str = "folder"

    def has(self, name: str) -> bool:
        return re.fullmatch(self.names, name) is not None

    def is_temporary(self, name: str) -> bool:
        """Whether a process that was killed has left a file of this name."""
        return re.fullmatch(rf"\.({self.names}|py\.typed)\.[0-9a-f]{{8}}", name) is not None

    def is_ours(self, content: bytes | None) -> bool:
        """Whether nothing of somebody else's is lost with a file."""
        return not content or content.startswith(self.mark)


PACKAGE = Family(r"(__init__|signals|queues|_types|_signals_\d{3,}|_queues_\d{3,})\.py", MARK.encode())


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
    """What has to be done in a folder, packages last, then what is stale; ``name`` is what people call its place."""

    name: str
    folder: Path
    family: Family
    changes: tuple[Change, ...]

    @property
    def written(self) -> int:
        """How many files are written."""
        return sum(change.after is not None for change in self.changes)

    @property
    def removed(self) -> int:
        """How many stale files are removed."""
        return len(self.changes) - self.written


def compare(folder: Path, files: Mapping[str, str], family: Family = PACKAGE) -> Plan:
    """
    What it takes to make the folder hold these files, and no others of the family.

    :raises OutputError: if a file of one of these names was not written by this program
    """
    ordered = sorted(files, key=order)
    wanted = [(folder / name, files[name].encode("utf-8", "backslashreplace")) for name in ordered]
    found = [Change(path, _content(path), after) for path, after in wanted]
    changed = [change for change in found if change.before != change.after]
    if foreign := [change.path for change in changed if not family.is_ours(change.before)]:
        names = ", ".join(map(str, foreign))
        raise OutputError(f"{names}: not written by microagent-gen; move it away, or choose another {family.place}")
    return Plan(str(folder), folder, family, (*changed, *_stale(folder, files, family)))


def compare_file(path: Path, text: str, mark: bytes) -> Plan:
    """
    What it takes to make one file hold this text.

    :param mark: what every file of this kind begins with
    :raises OutputError: if the file was not written by this program
    """
    found = compare(path.parent, {path.name: text}, Family(re.escape(path.name), mark, "file"))
    return replace(found, name=str(path))


def diff(plan: Plan) -> str:
    """The changes as a unified diff."""
    return "".join(line for change in plan.changes for line in _file_diff(change))


def write(*plans: Plan) -> None:
    """
    Do what the plans say; when that fails, all is as it was.

    Each file takes the place of the one before in one step, a package itself after its modules. A process that is
    killed between two of these steps leaves files of both kinds, which can be imported together: the next run completes
    them, and removes what was left over.

    :raises OSError: if the file system refuses
    """
    with _folders(plan.folder for plan in plans), ExitStack() as stack:
        for folder in sorted({plan.folder.resolve() for plan in plans}):  # in one order, so that nobody waits in a ring
            stack.enter_context(_alone_in(folder))
        for plan in plans:
            _remove_leftovers(plan)
        _write([change for plan in plans for change in plan.changes])


def _write(changes: list[Change]) -> None:
    staged: list[tuple[Path, Change]] = []
    try:
        for content, change in _steps(changes):
            staged.append((_stage(change.path, content), change))
        _replace(staged)
    finally:
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink()
    for change in changes:
        if change.after is None:
            change.path.unlink(missing_ok=True)


def _steps(changes: Iterable[Change]) -> Iterator[tuple[bytes, Change]]:
    """What is written where, in this order: modules that fit the old ones and the new ones, then the new ones."""
    written = [(change, change.after) for change in changes if change.after is not None]
    passing = [transitional(change.path.name, change.before, after) for change, after in written]
    yield from ((content, change) for (change, _), content in zip(written, passing, strict=True))
    for (change, after), content in zip(written, passing, strict=True):
        if content != after:
            yield after, change


@contextmanager
def _folders(folders: Iterable[Path]) -> Generator[None, None, None]:
    """Make what is missing of the folders; if what follows fails, it is gone again."""
    made: list[Path] = []
    try:
        for folder in folders:
            for missing in reversed([each for each in (folder, *folder.parents) if not os.path.lexists(each)]):
                missing.mkdir(exist_ok=True)
                made.append(missing)
            folder.mkdir(exist_ok=True)
        yield
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        raise


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


def _remove_leftovers(plan: Plan) -> None:
    for path in plan.folder.iterdir():
        if plan.family.is_temporary(path.name):
            path.unlink(missing_ok=True)


def _content(path: Path) -> bytes | None:
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "something that is no file"
        raise OutputError(f"{path}: {what} is where a file has to be written")
    return path.read_bytes()


def _stale(folder: Path, files: Mapping[str, str], family: Family) -> Iterator[Change]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in files and family.has(path.name) and path.is_file():
            content = path.read_bytes()
            if content.startswith(family.mark):
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
    except BaseException as exc:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(exc, OSError):
            exc.filename = str(path)  # what people know
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
