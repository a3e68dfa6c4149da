"""Unit tests of the run: how it looks at a server that faults have just hit."""

import pytest

from faults.running import answered
from microagent.errors import BackendConnectionError


async def test_lost_connection_is_no_answer():
    """The server is asked again, and what it says then counts, be it nothing."""
    answers = iter([BackendConnectionError("cut"), BackendConnectionError("cut"), 0])

    async def ask() -> int:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    assert await answered(ask, 20) == 0


async def test_server_that_never_answers_fails_the_run():
    """It is asked for as long as there is patience, and no longer."""

    async def ask() -> int:
        raise BackendConnectionError("cut")

    with pytest.raises(TimeoutError):
        await answered(ask, 0.02)


async def test_what_the_server_refuses_is_not_asked_again():
    """Only a lost connection is worth another try."""

    async def ask() -> int:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await answered(ask, 20)
