"""``python -m microagent_gen``, and what to install when it cannot run."""

import gc
import os
import sys

_EXTRA = {"click", "jinja2", "markupsafe"}


def main() -> None:
    """Run the command, or say which extra it needs."""
    try:
        from microagent_gen import cli
    except ModuleNotFoundError as exc:
        if exc.name not in _EXTRA:
            raise
        sys.exit(_explained(exc.name))
    gc.disable()  # a run makes much and lets go of little; who stays, with --watch, turns it on again
    try:
        cli.main(prog_name="microagent-gen")
    except OSError as exc:
        sys.exit(_cut_off(exc))


def _cut_off(error: OSError) -> int:
    """What is said where nothing can be printed, as on a full disk; what is still to be printed goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    sys.stderr.write(f"{error.filename or 'the standard output'}: cannot be written: {error.strerror}\n")
    return 1


def _explained(missing: str | None) -> int:
    sys.stderr.write(f"microagent-gen needs {missing}, which is not installed: pip install 'microagent[gen]'\n")
    return 2


if __name__ == "__main__":
    main()
