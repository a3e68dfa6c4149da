"""A file that is there whole, or as it was."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE = stat.S_IRUSR | stat.S_IWUSR
USUAL = 0o666  # as the umask allows


def write_whole(path: Path, content: bytes, mode: int = USUAL) -> None:
    """
    Let the file hold this, in one step.

    :param mode: permissions of the file
    :raises OSError: if the file system refuses; the file that was there stays
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
