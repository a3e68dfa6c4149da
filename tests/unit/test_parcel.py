"""What a child process is given."""

import pickle

import pytest

from microagent.running.parcel import Parcel

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
    Once, and not when the parcel itself arrives.
    """
    unpacked.clear()
    parcel: Parcel[object] = pickle.loads(pickle.dumps(Parcel(Noting())))
    assert unpacked == []

    assert [parcel.open(), parcel.open()] == ["content", "content"]

    assert unpacked == ["content"]


def test_failure_is_the_openers() -> None:
    """
    What goes wrong with the content goes wrong where it is opened, so that it can be told.
    """
    parcel: Parcel[object] = pickle.loads(pickle.dumps(Parcel(Broken())))

    with pytest.raises(LookupError, match="no such module"):
        parcel.open()


def test_parcel_that_does_not_travel_keeps_its_content() -> None:
    """
    A child that was forked has what its parent had, be it picklable or not.
    """
    content = {"function": lambda: 42}

    assert Parcel(content).open() is content
