"""Whether people want what a command says in colours."""

from collections.abc import Mapping


def are_wanted(environment: Mapping[str, str]) -> bool | None:
    """What ``NO_COLOR`` and ``FORCE_COLOR`` say (no-color.org, force-color.org); None: where there is a terminal."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return False if environment.get("TERM") == "dumb" else None
