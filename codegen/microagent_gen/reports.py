"""The report of a comparison as text for people, as JSON for programs, and as annotations for GitHub."""

import json
from collections.abc import Callable
from typing import Any

from microagent.plurals import counted
from microagent.printable import printable
from microagent_gen.against import PlacedFinding, Report

_LONGEST_EXAMPLE = 60


def as_text(report: Report) -> str:
    """A line for each finding, and a last one with their number."""
    lines = [
        f"{printable(placed.place)}: {placed.finding.rule.id}: {_message(report, placed)}" for placed in report.breaking
    ]
    return "".join(f"{line}\n" for line in [*lines, _summary(report)])


def as_json(report: Report) -> str:
    """A document with everything that is known about each finding."""
    document = {
        "against": report.comparison.old,
        "mode": report.comparison.mode,
        "findings": [_fields(report, placed) for placed in report.breaking],
        "allowed": [{**_fields(report, placed), "reason": placed.reason} for placed in report.allowed],
    }
    return f"{json.dumps(document, indent=2)}\n"


def as_github(report: Report) -> str:
    """A workflow command for each finding, which GitHub shows at the line that it is about."""
    return "".join(f"{_annotation(report, placed)}\n" for placed in report.breaking)


FORMATS: dict[str, Callable[[Report], str]] = {"text": as_text, "json": as_json, "github": as_github}


def _message(report: Report, placed: PlacedFinding) -> str:
    finding = placed.finding
    parties = ", ".join(finding.breaks(report.comparison.mode))
    example = f", with {text} for example" if (text := _example(placed)) else ""
    return f"{printable(finding.message)} (breaks {parties}{example}; safe: {finding.safe})"


def _example(placed: PlacedFinding) -> str:
    """The counterexample as JSON; empty if there is none, or it is too long for a line."""
    text = json.dumps(placed.finding.example) if placed.finding.has_example else ""
    return text if len(text) <= _LONGEST_EXAMPLE else ""


def _summary(report: Report) -> str:
    found = counted(len(report.breaking), "finding") if report.breaking else "nothing breaks"
    allowed = f", {len(report.allowed)} allowed" if report.allowed else ""
    return f"against {printable(report.comparison.old)}: {found}{allowed}"


def _fields(report: Report, placed: PlacedFinding) -> dict[str, Any]:
    finding = placed.finding
    return {
        "rule": finding.rule.id,
        "source": placed.source,
        "line": placed.line,
        "column": placed.column,
        "pointer": placed.pointer,
        "kind": finding.kind,
        "name": finding.name,
        "message": finding.message,
        "breaks": list(finding.breaks(report.comparison.mode)),
        "safe": finding.safe,
        **({"example": finding.example} if finding.has_example else {}),
    }


def _annotation(report: Report, placed: PlacedFinding) -> str:
    """https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    properties = {"file": placed.source, "line": placed.line, "col": placed.column, "title": placed.finding.rule.id}
    given = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in properties.items() if value is not None)
    return f"::error {given}::{_escaped(_message(report, placed))}"


def _escaped(text: str, more: str = "") -> str:
    return "".join(f"%{ord(char):02X}" if char in f"%\r\n{more}" else char for char in text)
