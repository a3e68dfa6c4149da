"""Topics of RabbitMQ's exchanges, and which of them cover others."""

from collections.abc import Iterable, Sequence


def uncovered(topics: Iterable[str], others: Iterable[str]) -> list[str]:
    """The topics that none of the others covers alone, sorted."""
    listed = list(others)
    return sorted({topic for topic in topics if not any(covers(other, topic) for other in listed)})


def covers(wide: str, narrow: str) -> bool:
    """
    Whether a topic certainly matches all routing keys that another one matches.

    Words are separated by dots; ``*`` matches one word, ``#`` any number of them (RabbitMQ's topic exchange).
    """
    words = wide.split(".")
    places = _open(words, {0})
    for word in narrow.split("."):
        stays = {at for at in places if words[at : at + 1] == ["#"]}
        goes_on = {at + 1 for at in places - stays if word != "#" and words[at : at + 1] in (["*"], [word])}
        places = _open(words, stays | goes_on)
    return len(words) in places


def _open(words: Sequence[str], places: set[int]) -> set[int]:
    """The places, and those that can be reached from them because ``#`` matches no words."""
    found = set(places)
    for at, word in enumerate(words):
        if at in found and word == "#":
            found.add(at + 1)
    return found
