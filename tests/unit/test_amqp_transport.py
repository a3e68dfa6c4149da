"""Whether the driver lets us read before it does."""

from typing import Any

import aiormq
from aiormq import connection

from microagent.tools.amqp.transport import is_welcome


def test_driver_takes_a_transport():
    """The one that is installed does; if it did not, all would be slow and nothing would tell."""
    assert is_welcome()


def test_driver_that_has_no_word_for_it_is_left_alone(monkeypatch):
    """What it does not know, it would take for something else."""

    class Connection:
        def __init__(self, url: str, **create_connection_kwargs: Any) -> None:
            raise NotImplementedError

    monkeypatch.setattr(aiormq, "Connection", Connection)
    assert not is_welcome()


def test_driver_that_tells_nothing_of_certificates_is_left_alone(monkeypatch):
    """They are its business, and have to stay so."""
    monkeypatch.delattr(connection, "SSLContextProvider")
    assert not is_welcome()
