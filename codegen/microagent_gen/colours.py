"""Colours of what the command prints; click removes them where they are not wanted."""

import click

_OF_LINES = {"---": "bold", "+++": "bold", "@@": "cyan", "+": "green", "-": "red"}


def problem(text: str) -> str:
    """A problem that makes the run fail."""
    return click.style(text, fg="red")


def warning(text: str) -> str:
    """A warning."""
    return click.style(text, fg="yellow")


def note(text: str) -> str:
    """A note."""
    return click.style(text, dim=True)


def difference(text: str) -> str:
    """A unified diff."""
    return "\n".join(map(_coloured, text.split("\n")))


def _coloured(line: str) -> str:
    style = next((style for start, style in _OF_LINES.items() if line.startswith(start)), None)
    if style is None:
        return line
    return click.style(line, bold=True) if style == "bold" else click.style(line, fg=style)
