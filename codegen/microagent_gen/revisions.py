"""The files of a git revision."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from microagent.errors import ConfigurationError

PREFIX = "git:"
TIMEOUT = 60.0
_PLAIN_FILES = (b"100644", b"100755")


@dataclass(frozen=True, slots=True)
class Revision:
    """
    A git revision and the paths that are of interest in it: ``git:REV[:PATH]``.

    :ivar paths: of files and folders, relative to the working directory
    """

    name: str
    paths: tuple[str, ...]

    @classmethod
    def of(cls, text: str, sources: Sequence[str]) -> "Revision":
        """
        Parse ``git:REV[:PATH]``.

        :param sources: the paths if the text has none
        :raises ConfigurationError: if it has no revision
        """
        name, colon, path = text.removeprefix(PREFIX).partition(":")
        if not name or name.startswith("-"):
            raise ConfigurationError(f"{text!r} names no revision: use git:REV or git:REV:PATH, such as git:main")
        return cls(name, (path or ".",) if colon else tuple(sources))

    def extract(self, folder: Path) -> dict[str, str]:
        """
        Copy the files at ``paths`` into a folder, with all JSON files beside and below them, which they may refer to.

        :return: where each path of the revision is now; those that it does not have are left out
        :raises ConfigurationError: if there is no repository, no such revision, or none of the paths in it
        """
        top = Path(_git("rev-parse", "--show-toplevel", fault="not a git repository").decode().rstrip("\n"))
        fault = f"git has no revision {self.name!r}"
        if _git("rev-parse", "--is-shallow-repository", fault=fault).strip() == b"true":
            fault += " here: this clone is shallow, 'git fetch --unshallow' completes it"
        commit = _git("rev-parse", "--verify", "--quiet", f"{self.name}^{{commit}}", fault=fault).decode().strip()
        known = list(_listed(commit))
        inside = {path: place for path in self.paths if _is_there(place := _inside(top, path), known)}
        if not inside:
            missing = ", ".join(map(repr, dict.fromkeys(_inside(top, path) for path in self.paths)))
            advice = f"if it was called otherwise then, name it with {PREFIX}{self.name}:PATH"
            raise ConfigurationError(f"revision {self.name!r} has no file or folder {missing}; {advice}")
        roots = [place if _is_folder(place, known) else str(PurePosixPath(place).parent) for place in inside.values()]
        wanted = [(blob, name) for blob, name in known if any(_is_below(name, root) for root in roots)]
        for (_, name), content in zip(wanted, _contents([blob for blob, _ in wanted]), strict=True):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return {path: str(folder / place) for path, place in inside.items()}


def _inside(top: Path, path: str) -> str:
    """A path relative to the root of the repository, as git writes it."""
    found = os.path.relpath(os.path.abspath(path), os.path.realpath(top))
    if found.startswith(".."):
        found = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
    if found.startswith(".."):
        raise ConfigurationError(f"{path} is outside the git repository {top}")
    return PurePosixPath(found).as_posix()


def _is_there(path: str, known: Sequence[tuple[str, str]]) -> bool:
    return _is_folder(path, known) or any(name == path for _, name in known)


def _is_folder(path: str, known: Sequence[tuple[str, str]]) -> bool:
    return path == "." or any(name.startswith(f"{path}/") for _, name in known)


def _is_below(name: str, root: str) -> bool:
    return root == "." or name.startswith(f"{root}/")


def _listed(commit: str) -> Iterator[tuple[str, str]]:
    """The JSON files of a revision, each as (blob, name)."""
    listing = _git("ls-tree", "-r", "-z", "--full-tree", commit, fault=f"git cannot list {commit}")
    for line in listing.split(b"\0"):
        about, _, name = line.partition(b"\t")
        if about.startswith(_PLAIN_FILES) and name.endswith(b".json"):
            yield about.split()[2].decode(), os.fsdecode(name)


def _contents(blobs: Sequence[str]) -> Iterator[bytes]:
    """The content of each blob, in order."""
    request = "".join(f"{blob}\n" for blob in blobs).encode()
    answer = _git("cat-file", "--batch", fault="git cannot read its files", stdin=request)
    at = 0
    for _ in blobs:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        yield answer[end + 1 : end + 1 + size]
        at = end + size + 2


def _git(*arguments: str, fault: str, stdin: bytes = b"") -> bytes:
    """
    The standard output of a git command.

    :raises ConfigurationError: with the fault and git's own message, if it fails
    """
    try:
        done = subprocess.run(("git", *arguments), input=stdin, capture_output=True, timeout=TIMEOUT, check=False)
    except FileNotFoundError:
        raise ConfigurationError("git is not installed, or not on PATH") from None
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"git {arguments[0]} did not finish within {TIMEOUT:.0f} seconds") from None
    if done.returncode != 0:
        words = " ".join(done.stderr.decode(errors="replace").split()).removeprefix("fatal: ")
        raise ConfigurationError(f"{fault}: {words}" if words else fault)
    return done.stdout
