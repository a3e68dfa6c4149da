"""The topics of a queue: what it is sent to, where failed messages wait, and where dead letters lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from microagent.errors import AuthError
from microagent.tools.kafka.driver import Admin, NewTopic
from microagent.tools.kafka.errors import ours, translated

STEPS = (5, 60, 3600)  # seconds; a message that waits longer than the last one waits there too
KEPT = {"retention.ms": "-1"}  # of dead letters: until somebody has looked at them
FORBIDDEN = 29  # the server's code for a topic that is not ours to create
CLUSTER_FORBIDDEN = 31


@dataclass(frozen=True, slots=True)
class Topics:
    """
    The topics of one queue for one consumer group.

    Each message waits for exactly its delay; a step bounds how long it may stand behind others that wait longer. A
    group that is not named as the queue has retry topics of its own.
    """

    queue: str
    group: str

    @property
    def dead(self) -> str:
        return f"{self.queue}.dead"

    @property
    def removed(self) -> str:
        """What says which dead letters are there no more."""
        return f"{self.dead}.removed"

    @property
    def retries(self) -> list[str]:
        return [self._retry(step) for step in STEPS]

    @property
    def consumed(self) -> list[str]:
        """All that the consumers of the queue read."""
        return [self.queue, *self.retries]

    def retry(self, delay: float) -> str:
        """Where a message waits for ``delay`` seconds."""
        return self._retry(next((step for step in STEPS if delay <= step), STEPS[-1]))

    def _retry(self, step: int) -> str:
        base = self.queue if self.group == self.queue else f"{self.queue}.{self.group}"
        return f"{base}.retry.{step}s"


class Creation:
    """
    Creates topics that are missing, each asked for once.

    :param partitions: of a new topic; None: as many as the server gives it
    """

    def __init__(self, admin: Admin, partitions: int | None) -> None:
        self._admin = admin
        self._partitions = partitions
        self._known: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether there is this topic, as far as that is known without asking."""
        return name in self._known

    async def queue(self, name: str) -> None:
        """Make sure of what a queue is sent to."""
        await self._create([self._new(name)])

    async def all(self, topics: Topics) -> None:
        """Make sure of everything that its consumers need."""
        dead = self._new(topics.dead)._replace(topic_configs=KEPT)
        await self._create([*map(self._new, topics.consumed), dead])

    async def removed(self, topics: Topics) -> None:
        """Make sure of what says which dead letters are there no more."""
        await self._create([NewTopic(topics.removed, 1, topic_configs=KEPT)])

    def _new(self, name: str) -> NewTopic:
        return NewTopic(name, self._partitions or -1)

    async def _create(self, topics: Sequence[NewTopic]) -> None:
        missing = [topic for topic in topics if topic.name not in self._known]
        if not missing:
            return
        with translated():
            answer = await self._admin.create_topics(missing)
        refused = [self._refusal(*each) for each in answer.topic_errors]
        if wanting := sorted(set(chain.from_iterable(refused)) - await self._existing()):
            raise AuthError(f"there are no topics {', '.join(wanting)}, and we may not create them")
        self._known.update(topic.name for topic in missing)

    def _refusal(self, name: str, code: int, text: str | None = None) -> set[str]:
        """The topic, if we may not create it; what goes wrong otherwise is raised."""
        if code in (FORBIDDEN, CLUSTER_FORBIDDEN):
            return {name}
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):
            raise ours(error(f"topic '{name}' cannot be created: {text}"))
        return set()

    async def _existing(self) -> set[str]:
        with translated():
            return {topic["topic"] for topic in await self._admin.describe_topics()}
