"""Topics of an exchange, as RabbitMQ reads them."""

import re
from itertools import product

import pytest

from microagent.compat.topics import covers, uncovered

TOPICS = [".".join(words) for length in (1, 2, 3) for words in product("ab*#", repeat=length)]
KEYS = [".".join(words) for length in range(1, 6) for words in product("abc", repeat=length)]


def taken(topic):
    """The routing keys that a topic takes."""
    text = "".join({"*": r"\.[^.]+", "#": r"(\.[^.]+)*"}.get(word, rf"\.{word}") for word in topic.split("."))
    return {key for key in KEYS if re.fullmatch(text, f".{key}")}


def test_a_topic_covers_another_if_it_takes_all_of_its_messages():
    """Whatever is in the two; and it is said of many."""
    keys = {topic: taken(topic) for topic in TOPICS}
    found = [(wide, narrow) for wide in TOPICS for narrow in TOPICS if covers(wide, narrow)]
    assert all(keys[narrow] <= keys[wide] for wide, narrow in found)
    assert len(found) > len(TOPICS) * 5


@pytest.mark.parametrize(
    ("topics", "others", "found"),
    [
        (["order.*"], ["order.#"], []),
        (["order.#"], ["order.*"], ["order.#"]),
        (["order.paid", "user.*"], ["order.*"], ["user.*"]),
        (["a.#.b.#.c"] * 2, ["#"], []),
        (["#.a" * 40], ["#.a" * 40 + ".b"], ["#.a" * 40]),
    ],
)
def test_what_no_other_topic_takes_is_told(topics, others, found):
    """Once, and soon, however often a topic leaves words open."""
    assert uncovered(topics, others) == found
