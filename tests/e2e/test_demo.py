"""The demo: three example agents under marun, and what it takes to make it fail."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from servers.kafka import KafkaServer, found_jars
from servers.rabbitmq import RabbitMQServer
from servers.redis import RedisServer

from examples.demo import delay
from examples.tally import Tally

ROOT = Path(__file__).parents[2]

Demos = dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def servers(
    redis_program: str, rabbitmq_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, str]]]:
    """
    Where each of the demos runs. The names of its signals and queues are always the same, so its servers are its own.
    """
    with ExitStack() as running:
        redis, other_redis = (
            running.enter_context(RedisServer(tmp_path_factory.mktemp("redis"), redis_program)) for _ in range(2)
        )
        rabbitmq = running.enter_context(RabbitMQServer(tmp_path_factory.mktemp("rabbitmq"), rabbitmq_program))
        places = {
            "local": {},
            "deaf": {"MICROAGENT_BROKER": "memory://"},
            "redis": {"MICROAGENT_BUS": redis.url, "MICROAGENT_BROKER": redis.url},
            "rabbitmq": {"MICROAGENT_BUS": other_redis.url, "MICROAGENT_BROKER": rabbitmq.url},
        }
        if (jars := found_jars()) is not None:
            kafka = running.enter_context(KafkaServer(tmp_path_factory.mktemp("kafka"), jars))
            places["kafka"] = {"MICROAGENT_BROKER": kafka.url}
        yield places


@pytest.fixture(scope="module")
def demos(servers: dict[str, dict[str, str]]) -> Iterator[Demos]:
    """
    The demo on each of the servers, and one whose queues are in the memory of each process alone. All run at the same
    time, because all wait for a full minute.
    """
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", "examples.demo"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, environment in servers.items()
    }
    try:
        yield {name: ended(process) for name, process in running.items()}
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def ended(process: "subprocess.Popen[str]") -> subprocess.CompletedProcess[str]:
    output, _ = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, output)


@pytest.mark.parametrize(("second", "seconds"), [(0, 50), (49, 1), (50, 0), (55, 0), (56, 54), (59.5, 50.5)])
def test_demo_starts_well_before_a_full_minute(second: float, seconds: float) -> None:
    """
    Ten seconds before it, or five if need be; so late in a minute that the agents might miss the next, it waits.
    """
    assert delay(6000 + second) == seconds


@pytest.mark.parametrize(
    "line",
    [
        "UserAgent     runs      timer    example_cron_send_message",
        "UserAgent     runs      timer    example_periodic_task_send_signal",
        "Demo          sent      signal   user_created        user_id=1",
        "UserAgent     received  signal   user_created        user_id=1 sender='demo'",
        "UserAgent     sent      signal   user_comment        user_id=1 text='informer text'",
        "UserAgent     received  signal   user_comment        user_id=1 text='informer text'",
        "CommentAgent  received  signal   user_comment        user_id=1 text='informer text'",
        "UserAgent     sent      call     rpc_comments_count  user_id=1",
        "CommentAgent  received  call     rpc_comments_count  user_id=1",
        "CommentAgent  answers   call     rpc_comments_count  count=",
        "UserAgent     answered  call     rpc_comments_count  CommentAgent.example_rpc_handler=",
        "EmailAgent    consumed  message  mailer              text='Welcome text' email='user@lwr.pw'",
        "EmailAgent    consumed  message  mailer              text='Comment' email='user@lwr.pw'",
        "EmailAgent    consumed  message  mailer              text='Report text' email='admin@lwr.pw'",
    ],
)
def test_demo_shows_everything_as_it_happens(demos: Demos, line: str) -> None:
    """
    Each signal, call, answer and message of the three agents has a readable line.
    """
    assert f"  {line}" in demos["local"].stdout


def test_demo_ends_with_a_table_and_status_0(demos: Demos) -> None:
    """
    When all that was sent has arrived, the demo says so below its table, and its status is 0.
    """
    assert demos["local"].returncode == 0, demos["local"].stdout
    assert demos["local"].stdout.endswith("\nAll that was sent has arrived, and every call was answered.\n")
    assert "sent  received  answered  consumed\n" in demos["local"].stdout


@pytest.mark.parametrize("place", ["redis", "rabbitmq", "kafka"])
def test_demo_runs_on_servers(demos: Demos, place: str) -> None:
    """
    The same three agents, the same end: all that was sent has arrived.
    """
    if place not in demos:
        pytest.skip("no Kafka: it takes Java and Maven")
    assert demos[place].returncode == 0, demos[place].stdout
    assert demos[place].stdout.endswith("\nAll that was sent has arrived, and every call was answered.\n")


def test_demo_fails_when_messages_do_not_arrive(demos: Demos) -> None:
    """
    Messages that nobody consumes make the demo fail, with status 1 and the name of the flow.
    """
    assert demos["deaf"].returncode == 1
    assert demos["deaf"].stdout.endswith("\nThe demo failed: message mailer was not seen.\n")


def told(*lines: str) -> Tally:
    """A tally of ``verb kind name`` lines, for two agents."""
    agents = [
        {"who": "A", "verb": "is ready", "receives": ["word"], "consumes": ["letter"], "runs": []},
        {"who": "B", "verb": "is ready", "receives": ["word", "question"], "consumes": [], "runs": ["clock"]},
    ]
    events = [dict(zip(("who", "verb", "kind", "name"), ["A", *line.split()], strict=True)) for line in lines]
    return Tally.of([*agents, *events])


ALL = (
    "runs timer clock",
    "sent signal word",
    "received signal word",
    "received signal word",
    "sent call question",
    "received call question",
    "answered call question",
    "sent message letter",
    "consumed message letter",
)


def test_nothing_is_missing_when_all_has_arrived() -> None:
    """
    Every signal at each of its receivers, every call answered, every message consumed, every timer run.
    """
    assert told(*ALL).unseen() == []
    assert told(*ALL).missing() == []


@pytest.mark.parametrize(
    ("lost", "problem"),
    [
        ("received signal word", "signal word: 1 were received where 2 should have been"),
        ("received call question", "call question: 0 were received where 1 should have been"),
        ("answered call question", "call question: 0 were answered where 1 should have been"),
        ("consumed message letter", "message letter: 0 were consumed where 1 should have been"),
    ],
)
def test_what_does_not_arrive_is_named(lost: str, problem: str) -> None:
    """
    A signal that one receiver misses, a call without answer, a message that stays: each is named with its flow.
    """
    lines = list(ALL)
    lines.remove(lost)

    assert told(*lines).missing() == [problem]


def test_what_never_happened_is_named() -> None:
    """
    Every handler of an agent is expected to be seen at work.
    """
    assert told().unseen() == [
        "message letter was not seen",
        "signal question was not seen",
        "signal word was not seen",
        "timer clock was not seen",
    ]
