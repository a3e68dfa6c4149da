"""Colours, for terminals that show them and people who want them."""

from collections.abc import Mapping

import click

_OF_LINES = {"---": "bold", "+++": "bold", "@@": "cyan", "+": "green", "-": "red"}


def are_wanted(environment: Mapping[str, str]) -> bool | None:
    """What ``NO_COLOR`` and ``FORCE_COLOR`` say (no-color.org, force-color.org); None: where there is a terminal."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return False if environment.get("TERM") == "dumb" else None


def problem(text: str) -> str:
    """What made a run fail."""
    return click.style(text, fg="red")


def warning(text: str) -> str:
    """What a run was warned of."""
    return click.style(text, fg="yellow")


def note(text: str) -> str:
    """What a run mentions."""
    return click.style(text, dim=True)


def difference(text: str) -> str:
    """A unified diff."""
    return "\n".join(map(_of_difference, text.split("\n")))


def _of_difference(line: str) -> str:
    style = next((style for start, style in _OF_LINES.items() if line.startswith(start)), None)
    if style is None:
        return line
    return click.style(line, bold=True) if style == "bold" else click.style(line, fg=style)
