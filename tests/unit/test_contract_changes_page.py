"""docs/contract-changes.md says of the rules what the rules say of themselves."""

from pathlib import Path

import pytest

from microagent.compat.rules import EMPTY_IT, MODES, NEVER_BREAKING, PARTIES, RULES

PAGE = (Path(__file__).parents[2] / "docs" / "contract-changes.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        ("| party | what breaks |", [f"| {party} | {about} |" for party, about in PARTIES.items()]),
        ("| `--mode` | what it protects |", [f"| `{mode}` | {whom} |" for mode, whom in MODES.items()]),
        ("| change | what it covers |", [f"| {change} | {which} |" for change, which in NEVER_BREAKING.items()]),
        (
            "| rule | change | can break | safe way |",
            [f"| `{rule.id}` | {rule.about} | {', '.join(rule.breaks)} | {rule.safe} |" for rule in RULES.values()],
        ),
    ],
)
def test_tables_are_what_the_rules_say(head, rows):
    """Row for row, in their order, and no row more."""
    table = PAGE.split(f"\n{head}\n")[1].split("\n\n")[0].splitlines()
    assert table[1:] == rows


def test_steps_for_queues_can_be_left_out():
    """What is for queues alone is a step between commas, so that the rest is a sentence without it."""
    told = [rule.safe for rule in RULES.values() if "empty the queue" in rule.safe]
    assert len(told) > 5
    assert all(EMPTY_IT in safe for safe in told)
