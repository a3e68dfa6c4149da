"""A file that is there whole, or as it was."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE = stat.S_IRUSR | stat.S_IWUSR
USUAL = 0o666  # as the umask allows


def write_whole(path: Path, content: bytes, mode: int | None = None) -> None:
    """
    Let the file hold this, in one step.

    :param mode: permissions of the file; without, those of the file before, or what the umask allows
    :raises OSError: if the file system refuses; the file that was there stays
    """
    kept = stat.S_IMODE(path.stat().st_mode) if mode is None and path.exists() else None
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, USUAL if mode is None else mode)
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
