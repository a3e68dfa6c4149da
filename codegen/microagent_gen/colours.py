"""Colours, for terminals that show them and people who want them."""

import click

_OF_LINES = {"---": "bold", "+++": "bold", "@@": "cyan", "+": "green", "-": "red"}


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
