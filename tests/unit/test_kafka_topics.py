"""Topics that are missing are created, where that is allowed."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from microagent import AuthError, ConfigurationError
from microagent.tools.kafka.topics import Creation, Topics

CREATED, EXISTS, INVALID, FORBIDDEN = 0, 36, 17, 29


class Admin:
    """Answers as a server would that has some topics, and lets us create others or not."""

    def __init__(self, existing: Sequence[str] = (), code: int = CREATED) -> None:
        self.existing = set(existing)
        self.code = code
        self.asked: list[Any] = []

    async def create_topics(self, new_topics: Sequence[Any]) -> Any:
        self.asked += new_topics
        codes = {topic.name: EXISTS if topic.name in self.existing else self.code for topic in new_topics}
        if self.code == FORBIDDEN:
            codes = dict.fromkeys(codes, FORBIDDEN)
        return SimpleNamespace(topic_errors=[(name, code, "it says why") for name, code in codes.items()])

    async def describe_topics(self) -> Any:
        return [{"topic": name, "partitions": []} for name in self.existing]


def creation(admin: Any, partitions: int | None = None) -> Creation:
    return Creation(admin, partitions)


async def test_each_topic_is_asked_for_once():
    """Whether it had to be created or was there."""
    admin = Admin(existing=["q"])
    made = creation(admin)
    await made.queue("q")
    await made.queue("q")
    await made.all(Topics("q", "q"))
    await made.all(Topics("q", "q"))
    names = [topic.name for topic in admin.asked]
    assert names == ["q", "q.retry.5s", "q.retry.60s", "q.retry.3600s", "q.dead"]


@pytest.mark.parametrize(("partitions", "asked"), [(None, -1), (4, 4)])
async def test_new_topics_are_as_the_server_makes_them(partitions: int | None, asked: int):
    """But for the partitions, if they are said, and the dead letters, which are kept."""
    admin = Admin()
    await creation(admin, partitions).all(Topics("q", "q"))
    assert {topic.num_partitions for topic in admin.asked} == {asked}
    assert {topic.replication_factor for topic in admin.asked} == {-1}
    assert [topic.name for topic in admin.asked if topic.topic_configs] == ["q.dead"]


async def test_who_may_not_create_uses_what_is_there():
    """Somebody else has created it all."""
    topics = Topics("q", "q")
    await creation(Admin([*topics.consumed, topics.dead], FORBIDDEN)).all(topics)


async def test_who_may_not_create_is_told_what_is_missing():
    """All of it, by name."""
    topics = Topics("q", "q")
    with pytest.raises(AuthError, match=r"no topics q\.dead, q\.retry\.60s, and we may not create them"):
        await creation(Admin(["q", "q.retry.5s", "q.retry.3600s"], FORBIDDEN)).all(topics)


async def test_name_that_the_server_does_not_take_is_named():
    """With what the server says of it."""
    with pytest.raises(ConfigurationError, match="topic 'a b' cannot be created: it says why"):
        await creation(Admin(code=INVALID)).queue("a b")
