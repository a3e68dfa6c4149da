"""``python -m microagent_gen``, and what to install when it cannot run."""

import atexit
import gc
import sys

from microagent.printing import cut_off

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
    atexit.register(gc.freeze)  # nor is there anything to look for at its end
    try:
        cli.main(prog_name="microagent-gen")
    except OSError as exc:
        sys.stderr.write(f"{cut_off(exc)}\n")
        sys.exit(1)


def _explained(missing: str | None) -> int:
    sys.stderr.write(f"microagent-gen needs {missing}, which is not installed: pip install 'microagent[gen]'\n")
    return 2


if __name__ == "__main__":
    main()
