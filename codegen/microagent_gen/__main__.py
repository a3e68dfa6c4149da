"""The entry point of ``microagent-gen`` and of ``python -m microagent_gen``."""

import atexit
import gc
import sys

from microagent.printing import cut_off

_EXTRA = {"click", "jinja2", "markupsafe"}


def main() -> None:
    """Run the command, or say which extra has to be installed."""
    try:
        from microagent_gen import cli
    except KeyboardInterrupt:  # click says no more when it comes later
        sys.stderr.write("Aborted!\n")
        sys.exit(1)
    except ModuleNotFoundError as exc:
        if exc.name not in _EXTRA:
            raise
        sys.stderr.write(f"microagent-gen needs {exc.name}, which is not installed: pip install 'microagent[gen]'\n")
        sys.exit(2)
    gc.disable()  # a run allocates much and frees little; --watch turns it on again
    atexit.register(gc.freeze)  # no collection when the interpreter exits, either
    try:
        cli.main(prog_name="microagent-gen")
    except OSError as exc:
        sys.stderr.write(f"{cut_off(exc)}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
