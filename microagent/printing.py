"""What a command does when its output cannot be written."""

import os


def cut_off(error: OSError) -> str:
    """
    The error message for output that cannot be written, for example because the disk is full.

    Redirects stdout to the null device, so that flushing it at exit does not fail again.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return f"{error.filename or 'the standard output'}: cannot be written: {error.strerror}"
