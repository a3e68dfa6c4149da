"""Which messages of an exchange a topic is about."""

from collections.abc import Iterable, Sequence


def uncovered(topics: Iterable[str], others: Iterable[str]) -> list[str]:
    """The topics of which none of the others is sure to take all messages, in order."""
    listed = list(others)
    return sorted({topic for topic in topics if not any(covers(other, topic) for other in listed)})


def covers(wide: str, narrow: str) -> bool:
    """
    Whether a topic is sure to take all that another one does.

    As RabbitMQ has it, words are parted by dots: ``*`` is one word, ``#`` any number of them.
    """
    words = wide.split(".")
    places = _open(words, {0})
    for word in narrow.split("."):
        stays = {at for at in places if words[at : at + 1] == ["#"]}
        goes_on = {at + 1 for at in places - stays if word != "#" and words[at : at + 1] in (["*"], [word])}
        places = _open(words, stays | goes_on)
    return len(words) in places


def _open(words: Sequence[str], places: set[int]) -> set[int]:
    """The places, and those behind them that any number of words, which may be none, leads to."""
    found = set(places)
    for at, word in enumerate(words):
        if at in found and word == "#":
            found.add(at + 1)
    return found
