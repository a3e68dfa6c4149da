"""Topics of Kafka, made before they are used."""

from contextlib import suppress

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError


async def created(dsn: str, name: str) -> None:
    """One partition, as the server gives it to all."""
    admin = AIOKafkaAdminClient(bootstrap_servers=dsn.removeprefix("kafka://"))
    await admin.start()
    with suppress(TopicAlreadyExistsError):
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    await admin.close()
