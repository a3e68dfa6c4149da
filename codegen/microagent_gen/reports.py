"""An answer about contracts, for people, for programs, and for GitHub."""

import json
from collections.abc import Callable
from typing import Any

from microagent.printable import printable
from microagent_gen.against import Answer, Placed

_LONGEST_EXAMPLE = 60


def as_text(answer: Answer) -> str:
    """A line for each finding, and one that sums up."""
    lines = [f"{printable(placed.place)}: {placed.finding.rule.id}: {_said(answer, placed)}" for placed in answer.found]
    return "".join(f"{line}\n" for line in [*lines, _sum(answer)])


def as_json(answer: Answer) -> str:
    """All that is known of each finding."""
    document = {
        "against": answer.question.old,
        "mode": answer.question.mode,
        "findings": [_fields(answer, placed) for placed in answer.found],
        "allowed": [{**_fields(answer, placed), "reason": placed.reason} for placed in answer.allowed],
    }
    return f"{json.dumps(document, indent=2)}\n"


def as_github(answer: Answer) -> str:
    """A workflow command for each finding, which GitHub shows at the line that it is about."""
    return "".join(f"{_annotation(answer, placed)}\n" for placed in answer.found)


FORMATS: dict[str, Callable[[Answer], str]] = {"text": as_text, "json": as_json, "github": as_github}


def _said(answer: Answer, placed: Placed) -> str:
    finding = placed.finding
    parties = ", ".join(finding.breaks(answer.question.mode))
    example = f", with {text} for example" if (text := _example(placed)) else ""
    return f"{printable(finding.message)} (breaks {parties}{example}; safe: {finding.safe})"


def _example(placed: Placed) -> str:
    text = json.dumps(placed.finding.example) if placed.finding.has_example else ""
    return text if len(text) <= _LONGEST_EXAMPLE else ""


def _sum(answer: Answer) -> str:
    count, allowed = len(answer.found), len(answer.allowed)
    found = "nothing breaks" if not count else f"{count} finding{'' if count == 1 else 's'}"
    also = f", {allowed} allowed" if allowed else ""
    return f"against {printable(answer.question.old)}: {found}{also}"


def _fields(answer: Answer, placed: Placed) -> dict[str, Any]:
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
        "breaks": list(finding.breaks(answer.question.mode)),
        "safe": finding.safe,
        **({"example": finding.example} if finding.has_example else {}),
    }


def _annotation(answer: Answer, placed: Placed) -> str:
    """https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    properties = {"file": placed.source, "line": placed.line, "col": placed.column, "title": placed.finding.rule.id}
    said = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in properties.items() if value is not None)
    return f"::error {said}::{_escaped(_said(answer, placed))}"


def _escaped(text: str, also: str = "") -> str:
    return "".join(f"%{ord(each):02X}" if each in f"%\r\n{also}" else each for each in text)
