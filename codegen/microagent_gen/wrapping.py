"""Line breaks of generated code, where ruff's formatter would put them."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

WIDTH = 88
"""The longest line in columns: ruff's default."""

INDENT = "    "

_TOKEN = re.compile(r""" "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [\[\]] | [ ]\|[ ] | ,[ ] """, re.VERBOSE)


def entry(before: str, expression: str, after: str, depth: int) -> str:
    """
    An annotation inside brackets, such as that of a parameter or a return type, with the text around it.

    The first line is not indented, because the template indents it.
    """
    return "\n".join(_entry(before, expression, after, INDENT * depth)).lstrip()


def attribute(name: str, annotation: str, depth: int) -> str:
    """``name: annotation`` in the body of a class, the first line not indented."""
    return "\n".join(_attribute(f"{name}: ", annotation, INDENT * depth)).lstrip()


def alias(name: str, annotation: str) -> str:
    """``name: TypeAlias = annotation``."""
    return "\n".join(_attribute(f"{name}: _t.TypeAlias = ", annotation, ""))


def class_header(name: str, bases: str, after: str, depth: int) -> str:
    """``class name(bases)``, the first line not indented."""
    margin = INDENT * depth
    line = f"class {name}({bases}){after}" if bases else f"class {name}{after}"
    if not bases or fits(margin + line):
        return line
    items = "\n".join(_items(bases, margin + INDENT))
    return f"class {name}(\n{items}\n{margin}){after}"


def call(before: str, called: str, arguments: Sequence[str], depth: int) -> str:
    """``before called(arguments)`` with a line for each argument, the first line not indented."""
    margin = INDENT * depth
    inner = _call(called, arguments, margin + INDENT)
    if fits(f"{margin}{before}{called}(") or not all(map(fits, [f"{margin}{before}(", *inner])):
        return before + "\n".join(_call(called, arguments, margin)).lstrip()
    return "\n".join([f"{before}(", *inner, f"{margin})"])


def _call(called: str, arguments: Sequence[str], margin: str) -> list[str]:
    return [f"{margin}{called}(", *(f"{margin}{INDENT}{argument}," for argument in arguments), f"{margin})"]


def fits(line: str) -> bool:
    """Whether a line is short enough."""
    return _width(line) <= WIDTH


def _width(line: str) -> int:
    if line.isascii():
        return len(line)
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in line)


def _entry(before: str, expression: str, after: str, margin: str) -> Iterator[str]:
    line = f"{margin}{before}{expression}{after}"
    if fits(line):
        yield line
        return
    *options, last = _split(expression, " | ")
    for option in options:
        yield from _entry(before, option, "", margin)
        before = "| "
    if options:
        yield from _entry(before, last, after, margin)
    elif last.endswith("]"):
        yield from _subscript(before, last, after, margin)
    else:
        yield line


def _subscript(before: str, expression: str, after: str, margin: str) -> Iterator[str]:
    head, _, items = expression[:-1].partition("[")
    yield f"{margin}{before}{head}["
    yield from _items(items, margin + INDENT)
    yield f"{margin}]{after}"


def _items(text: str, margin: str) -> Iterator[str]:
    items = _split(text, ", ")
    if len(items) == 1:
        yield from _entry("", text, "", margin)
    elif fits(margin + text):
        yield margin + text
    else:
        for item in items:
            yield from _entry("", item, ",", margin)


def _attribute(before: str, annotation: str, margin: str) -> Iterator[str]:
    if fits(f"{margin}{before}{annotation}") or not _needs_parentheses(before, annotation, margin):
        yield from _entry(before, annotation, "", margin)
    else:
        yield f"{margin}{before}("
        yield from _entry("", annotation, "", margin + INDENT)
        yield f"{margin})"


def _needs_parentheses(before: str, annotation: str, margin: str) -> bool:
    """Whether parentheses around the annotation make it fit, and its own brackets do not."""
    if len(_split(annotation, " | ")) > 1:
        return True
    if annotation.endswith("]") and fits(f"{margin}{before}{annotation.partition('[')[0]}["):
        return False
    return fits(f"{margin}{before}(") and all(map(fits, _entry("", annotation, "", margin + INDENT)))


def _split(text: str, separator: str) -> list[str]:
    """The parts of an expression, not looking into its brackets and strings."""
    parts: list[str] = []
    start = level = 0
    for match in _TOKEN.finditer(text):
        level += {"[": 1, "]": -1}.get(match[0], 0)
        if match[0] == separator and not level:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]
