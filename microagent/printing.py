"""What is done and said where nothing more can be printed."""

import os


def cut_off(error: OSError) -> str:
    """
    The sentence that tells why the output ends, as on a full disk.

    What is still to be printed goes nowhere, so that the end of the process does not fail by it once more.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return f"{error.filename or 'the standard output'}: cannot be written: {error.strerror}"
