"""Whether output should be coloured."""

from collections.abc import Mapping


def are_wanted(environment: Mapping[str, str]) -> bool | None:
    """What NO_COLOR, FORCE_COLOR (no-color.org, force-color.org) and TERM say; None: if the output is a terminal."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return False if environment.get("TERM") == "dumb" else None
