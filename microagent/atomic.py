"""Writes a file atomically: readers see the old content or the new one, never a part."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE = stat.S_IRUSR | stat.S_IWUSR
DEFAULT = 0o666  # reduced by the umask


def write_whole(path: Path, content: bytes, mode: int | None = None) -> None:
    """
    Write a file atomically.

    :param mode: permissions of the file; default: those that it has, or for a new file what the umask allows
    :raises OSError: if it cannot be written; then an existing file is unchanged
    """
    kept = stat.S_IMODE(path.stat().st_mode) if mode is None and path.exists() else None
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, DEFAULT if mode is None else mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if kept is not None:
                os.fchmod(descriptor, kept)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
