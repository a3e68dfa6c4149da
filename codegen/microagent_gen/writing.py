"""Generated files and the folders that they go to: compared, shown as a diff, written all or nothing."""

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
    A kind of generated files, and how to recognise them among others.

    :ivar names: a regular expression for their names
    :ivar mark: what each of them begins with
    :ivar place: "folder" or "file", what to choose another one of if the place is taken
    """

    names: str
    mark: bytes
    place: str = "folder"

    def has(self, name: str) -> bool:
        return re.fullmatch(self.names, name) is not None

    def is_temporary(self, name: str) -> bool:
        """Whether this is the name of a temporary file, which a process that was killed may have left behind."""
        return re.fullmatch(rf"\.({self.names}|py\.typed)\.[0-9a-f]{{8}}", name) is not None

    def is_ours(self, content: bytes | None) -> bool:
        """Whether a file may be overwritten: it is missing, empty, or was generated."""
        return not content or content.startswith(self.mark)


PACKAGE = Family(r"(__init__|signals|queues|_types|_signals_\d{3,}|_queues_\d{3,})\.py", MARK.encode())


class OutputError(MicroAgentError):
    """A file that was not generated is in the way."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file that has to change; ``before`` is None if it is new, ``after`` if it has to be removed."""

    path: Path
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The changes that one output needs.

    :ivar name: of the output, for messages
    :ivar changes: in this order: modules before the modules that import them, then stale files
    """

    name: str
    folder: Path
    family: Family
    changes: tuple[Change, ...]

    @property
    def written(self) -> int:
        """The number of files to write."""
        return sum(change.after is not None for change in self.changes)

    @property
    def removed(self) -> int:
        """The number of stale files to remove."""
        return len(self.changes) - self.written


def compare(folder: Path, files: Mapping[str, str], family: Family = PACKAGE) -> Plan:
    """
    The changes that make a folder hold these files, and no others of the family.

    :param files: their texts by their names
    :raises OutputError: if one of the files exists and was not generated
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
    The changes that make one file hold this text.

    :param mark: what every file of this kind begins with
    :raises OutputError: if the file exists and was not generated
    """
    found = compare(path.parent, {path.name: text}, Family(re.escape(path.name), mark, "file"))
    return replace(found, name=str(path))


def diff(plan: Plan) -> str:
    """The changes as a unified diff."""
    return "".join(line for change in plan.changes for line in _file_diff(change))


def write(*plans: Plan) -> None:
    """
    Write and remove files as the plans say.

    Each file is replaced atomically, the ``__init__.py`` of a package after its modules. A process that is killed in
    between leaves old and new files, which can be imported together; the next run completes them and removes temporary
    files.

    :raises OSError: if the file system refuses; all files are then restored
    """
    with _folders(plan.folder for plan in plans), ExitStack() as stack:
        for folder in sorted({plan.folder.resolve() for plan in plans}):  # always in this order: no deadlocks
            stack.enter_context(_locked(folder))
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
    """The contents to write, in order: first modules that fit both the old and the new ones, then the new ones."""
    written = [(change, change.after) for change in changes if change.after is not None]
    bridges = [transitional(change.path.name, change.before, after) for change, after in written]
    yield from ((content, change) for (change, _), content in zip(written, bridges, strict=True))
    for (change, after), content in zip(written, bridges, strict=True):
        if content != after:
            yield after, change


@contextmanager
def _folders(folders: Iterable[Path]) -> Generator[None, None, None]:
    """Create the folders; if the body fails, remove those that were created."""
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
def _locked(folder: Path) -> Generator[None, None, None]:
    """Let one process at a time write into the folder, if the file system supports locks."""
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
        what = "a folder" if stat.S_ISDIR(kind) else "not a regular file"
        raise OutputError(f"{path}: this is {what}, and a file has to be written here")
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
    """Write a temporary file beside ``path`` that can replace it."""
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
            exc.filename = str(path)  # people know this one, not the temporary file
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
