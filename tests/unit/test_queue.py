"""Queues: declared once, the same object everywhere."""

from typing import Any
from uuid import uuid4

import pytest

from microagent.errors import ConflictError, DeclarationError
from microagent.queue import Consumer, Queue, QueueException, QueueNotFound, SerializingError


@pytest.fixture
def name() -> str:
    """A name that no other test uses: the register is one for the process."""
    return f"queue_{uuid4().hex}"


def test_the_form_of_the_manual(name: str) -> None:
    """A name is all; any JSON object is a message."""
    queue = Queue(name=name)
    assert repr(queue) == f"Queue(name={name!r})"
    assert queue.problem({"any": [1]}) is None


def test_a_payload_is_checked(name: str) -> None:
    """One sentence with the path."""
    queue = Queue(name, payload={"properties": {"to": {"type": "string"}}, "required": ["to"]})
    assert queue.problem({"to": "a@b.c", "cc": 1}) is None
    assert queue.problem({"to": 1}) == "$.to: expected a string, got an integer"
    assert queue.problem({}) == "$: 'to' is missing"


def test_messages_may_have_any_key(name: str) -> None:
    """No handler need take them one by one."""
    queue = Queue(name, payload={"properties": {"user-id": {"type": "integer"}, "self": {}}, "required": ["user-id"]})
    assert queue.problem({"user-id": 1, "": 2}) is None
    assert queue.problem({"user-id": "1"}) == "$['user-id']: expected an integer, got a string"


def test_equal_declarations_are_one_object(name: str) -> None:
    """Loaded, generated or written, in either order."""
    queue = Queue(name, declared="{}")
    assert Queue(name) is queue is Queue(name, description="D", deprecated=True) is Queue.get(name)
    bound = Queue(f"{name}_bound", exchange="events", topics=["b", "a"])
    assert Queue(f"{name}_bound", declared='{"exchange":"events","topics":["a","b"]}') is bound


def test_a_conflict_shows_both_definitions(name: str) -> None:
    """Another exchange is another queue."""
    Queue(name, exchange="one")
    with pytest.raises(ConflictError) as caught:
        Queue(name, exchange="two")
    assert '{"exchange":"one"}' in str(caught.value)
    assert '{"exchange":"two"}' in str(caught.value)


def test_a_signal_and_a_queue_may_share_a_name(name: str) -> None:
    """They are different words."""
    from microagent.signal import Signal

    assert Queue(name) is not Signal(name, [])


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"payload": {"type": "array"}}, "/payload: a payload must be an object"),
        ({"topics": ["a"]}, "'topics' needs 'exchange'"),
        ({"exchange": 5}, "/exchange: expected a string, got an integer"),
    ],
)
def test_a_mistake_in_python_code_is_told_like_one_in_a_file(name: str, said: dict[str, Any], sentence: str) -> None:
    """With the name of the queue for a place, and nothing is registered."""
    with pytest.raises(DeclarationError) as caught:
        Queue(name, **said)
    assert str(caught.value).startswith(f"queue '{name}'")
    assert sentence in str(caught.value)
    assert name not in Queue.get_all()


def test_get_names_what_is_close(name: str) -> None:
    """An unknown name is a queue that is not found."""
    Queue(name)
    with pytest.raises(QueueNotFound, match=f"no queue '{name}x' is declared, did you mean '{name}'"):
        Queue.get(name + "x")


def test_serializing(name: str) -> None:
    """Text one way, an object the other; errors name the queue."""
    queue = Queue(name)
    assert queue.deserialize(queue.serialize({"a": 1})) == queue.decode(queue.encode({"a": 1})) == {"a": 1}
    with pytest.raises(SerializingError, match=f"^queue '{name}': a JSON object is expected, not null$") as caught:
        queue.deserialize(b"null")
    assert isinstance(caught.value, QueueException)


def test_a_checker_may_subscribe_the_class() -> None:
    """What a type checker knows as a generic class is the plain one at run time."""
    assert Queue[int, str] is Queue


def test_a_consumer_is_known_by_class_and_method(name: str) -> None:
    """Options and DTO are optional."""

    class EmailAgent:
        async def handler(self, **kwargs: Any) -> None: ...

    agent = EmailAgent()
    consumer = Consumer(agent, agent.handler, Queue(name), 60)
    assert (consumer.key, consumer.options, consumer.dto_class, consumer.dto_name) == (
        "EmailAgent.handler",
        {},
        None,
        None,
    )
