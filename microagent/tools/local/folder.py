"""The private folder in which the processes of one project on one machine meet."""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Self

from microagent.errors import BackendError, ConfigurationError

SCHEME = "local"
DEFAULT = ".microagent"
PRIVATE = 0o700
USED_UP = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE)  # nothing is wrong with the folder
DESCRIPTORS = "/proc/self/fd"


def folder_path(dsn: str) -> str:
    """
    The absolute path that ``dsn`` names.

    What follows ``local://`` is a path, absolute or relative to the working directory; nothing is ``.microagent``.
    """
    return os.path.abspath(dsn.partition("://")[2] or DEFAULT)


class Folder:
    """
    An open folder that belongs to this user alone.

    Its files are reached through its descriptor, so its path may be longer than the address of a socket can be.

    :ivar path: absolute
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: str) -> Self:
        """
        The folder at ``path``, made when it is missing.

        :raises ConfigurationError: if it is not safe: it belongs to somebody else, is a link, is open to others and
            holds files already, or anybody may replace it
        :raises BackendError: if there is no room left for it
        """
        if not os.path.isdir(DESCRIPTORS):
            raise ConfigurationError(f"{path}: local:// needs Linux, with /proc at hand")
        try:
            _check_parent(path)
            _make(path)
            folder = cls(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC))
            with folder._closed_on_error():
                folder._claim()
        except NotADirectoryError:
            raise ConfigurationError(f"{path}: is no folder, or a link to one") from None
        except OSError as error:
            raise _failure(path, error) from error
        return folder

    @contextmanager
    def _closed_on_error(self) -> Generator[None, None, None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _claim(self) -> None:
        if os.fstat(self._descriptor).st_uid != os.geteuid():
            raise ConfigurationError(f"{self.path}: belongs to another user")
        if not self.names():
            os.fchmod(self._descriptor, PRIVATE)
            self._keep_out_of_git()
        elif stat.S_IMODE(os.fstat(self._descriptor).st_mode) & ~PRIVATE:  # now: it may have been made private just now
            raise ConfigurationError(f"{self.path}: is accessible to other users, make it private with: chmod 700")

    def _keep_out_of_git(self) -> None:
        with suppress(FileExistsError):
            descriptor = self.open_file(".gitignore", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                os.write(descriptor, b"*\n")
            finally:
                os.close(descriptor)

    @contextmanager
    def refusals(self) -> Generator[None, None, None]:
        """
        Turn errors of the operating system into errors of this library.

        :raises BackendError: instead of OSError
        """
        try:
            yield
        except BackendError:  # some are OSErrors too
            raise
        except OSError as error:
            raise BackendError(f"{self.path}: {error.strerror}") from error

    def close(self) -> None:
        """Close the folder. Can be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()  # of who was left open by a loop that has ended

    def names(self) -> list[str]:
        """The names of its files."""
        return os.listdir(self._descriptor)

    def open_file(self, name: str, flags: int) -> int:
        """A descriptor of the file ``name``, readable by this user alone when it is made."""
        return os.open(name, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=self._descriptor)

    def make_file(self, name: str) -> None:
        """
        The empty file ``name``, readable by this user alone, if there is none.

        It is never opened: closing it would end the locks that other parts of this process have on it, by which SQLite
        knows that the file is in use (https://www.sqlite.org/howtocorrupt.html, 2.2).
        """
        with suppress(FileExistsError):
            os.mknod(name, 0o600 | stat.S_IFREG, dir_fd=self._descriptor)

    def protect(self, name: str) -> None:
        """Make the file ``name`` readable by this user alone, whatever the umask."""
        os.chmod(name, 0o600, dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove the file ``name``, which may be gone already."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)

    def address(self, name: str) -> str:
        """Where a socket called ``name`` is bound; never longer than the 107 bytes that Linux takes."""
        return f"{DESCRIPTORS}/{self._descriptor}/{name}"


def _failure(path: str, error: OSError) -> BackendError | ConfigurationError:
    kind = BackendError if error.errno in USED_UP else ConfigurationError
    return kind(f"{path}: cannot be used as folder of local:// ({error.strerror})")


def _make(path: str) -> None:
    try:
        os.mkdir(path, PRIVATE)
    except FileExistsError:
        return
    parent = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)  # or the loss of power could take the whole folder
    finally:
        os.close(parent)


def _check_parent(path: str) -> None:
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        raise ConfigurationError(f"{path}: there is no folder {parent} to make it in")
    mode = os.stat(parent).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise ConfigurationError(f"{path}: any user could replace it, because {parent} is writable by all")
