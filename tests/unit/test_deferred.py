"""What a child process is given."""

import pickle

import pytest

from microagent.running.deferred import Deferred

unpacked: list[str] = []


class Noting:
    """Notes when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return note, ("content",)


def note(text: str) -> str:
    unpacked.append(text)
    return text


def fail(text: str) -> None:
    raise LookupError(text)


class Broken:
    """Cannot be unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return fail, ("no such module",)


def test_content_is_unpacked_when_it_is_wanted() -> None:
    """
    Once, and not when it arrives.
    """
    unpacked.clear()
    deferred: Deferred[object] = pickle.loads(pickle.dumps(Deferred(Noting())))
    assert unpacked == []

    assert [deferred.load(), deferred.load()] == ["content", "content"]

    assert unpacked == ["content"]


def test_failure_is_the_openers() -> None:
    """
    What goes wrong with the content goes wrong where it is opened, so that it can be told.
    """
    deferred: Deferred[object] = pickle.loads(pickle.dumps(Deferred(Broken())))

    with pytest.raises(LookupError, match="no such module"):
        deferred.load()


def test_content_that_is_not_pickled_is_kept() -> None:
    """
    A child that was forked has what its parent had, be it picklable or not.
    """
    content = {"function": lambda: 42}

    assert Deferred(content).load() is content
