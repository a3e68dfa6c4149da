"""Asking all peers."""

import asyncio

from microagent.tools.local.confirmations import Confirmations


async def test_round_is_over_when_all_have_answered():
    """The last answer ends the wait."""
    rounds: Confirmations[str] = Confirmations()
    question = rounds.begin({"a", "b"})
    waiting = asyncio.ensure_future(rounds.end(question, 60))
    rounds.answered(question.number, "a")
    await asyncio.sleep(0)
    assert not waiting.done()
    rounds.answered(question.number, "b")
    assert await waiting == set()


async def test_round_with_nobody_is_over_at_once():
    """Without peers there is nothing to wait for."""
    rounds: Confirmations[str] = Confirmations()
    assert await rounds.end(rounds.begin(()), 60) == set()


async def test_who_is_gone_is_not_waited_for():
    """A peer that leaves answers every question by it."""
    rounds: Confirmations[str] = Confirmations()
    questions = [rounds.begin({"a"}), rounds.begin({"a"})]
    rounds.gone("a")
    assert [await rounds.end(question, 60) for question in questions] == [set(), set()]


async def test_who_does_not_answer_is_named():
    """After the timeout the wait is over, and says who is missing."""
    rounds: Confirmations[str] = Confirmations()
    question = rounds.begin({"a", "b"})
    rounds.answered(question.number, "a")
    assert await rounds.end(question, 0.01) == {"b"}


async def test_late_and_unknown_answers_are_ignored():
    """An answer to a question that is closed, or was never asked, is no error."""
    rounds: Confirmations[str] = Confirmations()
    question = rounds.begin({"a"})
    await rounds.end(question, 0.0)
    rounds.answered(question.number, "a")
    rounds.answered(99, "a")
    assert await rounds.end(rounds.begin({"b"}), 0.0) == {"b"}
