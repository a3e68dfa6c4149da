"""What travels on an open connection to Redis, with a transport that only notes what is written."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError
from support import until

from microagent.tools.redis import stream as stream_module
from microagent.tools.redis.stream import Stream

PATIENCE = 10.0


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.reading = True
        self.closing = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
async def stream(transport: Transport) -> Stream:
    return Stream(transport, ResponseError)


async def test_commands_of_a_question_are_one_write(stream, transport):
    """Packed as RESP says; the answers may come in any pieces."""
    asked = stream.ask([("PUBLISH", "a", b"b"), ("LLEN", "q", 1, 0.5)], PATIENCE)
    assert transport.written == [
        b"*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1\r\nb\r\n*4\r\n$4\r\nLLEN\r\n$1\r\nq\r\n$1\r\n1\r\n$3\r\n0.5\r\n"
    ]
    for byte in b":1\r\n-ERR no\r\n":
        assert not asked.done()
        stream.data_received(bytes([byte]))
    first, second = await asked
    assert first == 1
    assert isinstance(second, ResponseError)


async def test_command_may_be_packed_already(stream, transport):
    """Then it is written as it is."""
    asked = stream.ask([b"*1\r\n$4\r\nPING\r\n", ("PING",)], PATIENCE)
    stream.data_received(b"+PONG\r\n+PONG\r\n")
    assert await asked == [b"PONG", b"PONG"]
    assert transport.written == [b"*1\r\n$4\r\nPING\r\n" * 2]


async def test_who_is_told_knows_it_in_the_turn_that_reads(stream):
    """And not in the next."""
    told: list[Any] = []
    stream.put([("LLEN", "q"), ("LLEN", "r")], PATIENCE, told.append)
    stream.data_received(b":1\r\n")
    assert told == []
    stream.data_received(b":2\r\n")
    assert told == [[1, 2]]


async def test_question_that_is_cancelled_takes_its_answer_with_it(stream):
    """The others get theirs."""
    asked = [stream.ask([("ECHO", str(number))], PATIENCE) for number in range(3)]
    asked[1].cancel()
    stream.data_received(b":0\r\n:1\r\n:2\r\n")
    assert [await asked[0], await asked[2]] == [[0], [2]]


async def test_the_loop_stays_awake_for_an_answer(stream, monkeypatch):
    """It looks for it in each turn; and sleeps when it takes its time, or nobody is in a hurry."""
    selector = asyncio.get_running_loop()._selector
    looks: list[float | None] = []
    select = selector.select

    def looked(timeout: float | None = None) -> Any:
        looks.append(timeout)
        if len(looks) == 3:
            stream.data_received(b":1\r\n")
        return select(timeout)

    monkeypatch.setattr(selector, "select", looked)
    await stream.ask([("LLEN", "q")], PATIENCE)
    assert looks[:3] == [0, 0, 0]
    looks[:] = [0] * 3
    late = stream.ask([("LLEN", "q")], PATIENCE)
    asyncio.get_running_loop().call_later(0.01, stream.data_received, b":1\r\n")
    await late
    assert any(looks)


async def test_answers_that_are_in_no_hurry_are_read_together(stream, transport, monkeypatch):
    """After a while, for they alone wake nobody."""
    monkeypatch.setattr(stream_module, "IDLY", 0.01)
    told: list[Any] = []
    for _ in range(2):
        stream.put([("PUBLISH", "a", b"b")], PATIENCE, told.append, idly=True)
    assert len(transport.written) == 2
    assert not transport.reading
    await until(lambda: transport.reading)
    stream.data_received(b":1\r\n:0\r\n")
    assert told == [[1], [0]]


async def test_question_that_is_in_a_hurry_has_the_others_read(stream, transport, monkeypatch):
    """At once; and what is in no hurry holds up none that is under way."""
    monkeypatch.setattr(stream_module, "IDLY", 3600)
    told: list[Any] = []
    stream.put([("PUBLISH", "a", b"b")], PATIENCE, told.append, idly=True)
    hurried = stream.ask([("LLEN", "q")], PATIENCE)
    assert transport.reading
    stream.put([("PUBLISH", "a", b"b")], PATIENCE, told.append, idly=True)
    assert transport.reading
    stream.data_received(b":1\r\n:2\r\n:3\r\n")
    assert told == [[1], [3]]
    assert await hurried == [2]


async def test_connection_that_ends_meanwhile_is_none_that_is_read_on(stream, transport, monkeypatch):
    """Whoever asked is told."""
    monkeypatch.setattr(stream_module, "IDLY", 0.01)
    told: list[Any] = []
    stream.put([("PUBLISH", "a", b"b")], PATIENCE, told.append, idly=True)
    stream.connection_lost(None)
    assert [type(each) for each in told] == [RedisConnectionError]
    await asyncio.sleep(0.02)
    assert not transport.reading


async def test_connection_that_has_ended_answers_nothing(stream, transport):
    """Whoever asks it is told at once, and nothing is written."""
    stream.connection_lost(None)
    told: list[Any] = []
    with pytest.raises(RedisConnectionError):
        await stream.ask([("LLEN", "q")], PATIENCE)
    stream.put([("LLEN", "q")], PATIENCE, told.append)
    assert [type(each) for each in told] == [RedisConnectionError]
    assert transport.written == []


async def test_silent_server_is_asked_for_a_sign(stream, transport):
    """Again and again; one that gives none counts as lost, one that gives some does not."""
    stream.keep_awake(0.01, 3600, ("PING",))
    await until(lambda: len(transport.written) == 2)
    assert transport.written[0] == b"*1\r\n$4\r\nPING\r\n"
    stream.keep_awake(0.0, 0.0, ("PING",))
    with pytest.raises(TimeoutError):
        await stream.hear()
    assert transport.closing


async def test_what_was_not_asked_for_waits_until_somebody_listens(stream):
    """A listener that is cancelled loses nothing."""
    listening = asyncio.ensure_future(stream.hear())
    await asyncio.sleep(0)
    listening.cancel()
    stream.data_received(b"+a\r\n+b\r\n")
    await asyncio.wait([listening])
    assert stream.has_said
    assert await stream.hear() == [b"a", b"b"]


async def test_who_is_told_what_is_said_knows_it_in_the_turn_that_reads(stream):
    """Errors in their places, and the end too."""
    told: list[Any] = []
    stream.listen(told.append)
    stream.data_received(b"+a\r\n-ERR no\r\n")
    stream.connection_lost(None)
    (first, second), end = told
    assert first == b"a"
    assert isinstance(second, ResponseError)
    assert isinstance(end, RedisConnectionError)
    assert not stream.has_said


async def test_what_nobody_hears_does_not_fill_the_memory(stream, transport, monkeypatch):
    """The server has to wait then, until somebody has listened."""
    monkeypatch.setattr(stream_module, "UNHEARD", 10)
    stream.data_received(b"+a\r\n" * 11)
    assert not transport.reading
    assert len(await stream.hear()) == 11
    assert transport.reading


async def test_large_things_that_nobody_hears_do_not_fill_the_memory_either(stream, transport, monkeypatch):
    """Bytes count as well."""
    monkeypatch.setattr(stream_module, "UNHEARD_BYTES", 100)
    stream.data_received(b"+a\r\n")
    stream.data_received(b"$100\r\n" + b"x" * 100 + b"\r\n")
    assert not transport.reading
    await stream.hear()
    stream.data_received(b"+a\r\n")
    assert transport.reading


async def test_silence_is_the_end_of_all_questions(stream, transport):
    """Once no answer has come for so long."""
    for asked in [stream.ask([("PING",)], 0.01) for _ in range(2)]:
        with pytest.raises(TimeoutError):
            await asked
    assert transport.closing
    assert not stream.is_open


async def test_answer_gives_the_next_one_its_time_again(stream):
    """A server that is slow and not silent is not away."""
    first, _ = (stream.ask([("PING",)], PATIENCE) for _ in range(2))
    stream._due = asyncio.get_running_loop().time()
    stream.data_received(b"+PONG\r\n")
    stream._look()
    assert await first == [b"PONG"]
    assert stream.is_open


async def test_nothing_stays_behind_when_all_is_answered(stream):
    """The timer looks once more, and is not set again."""
    stream.ask([("PING",)], 0.01)
    stream.data_received(b"+PONG\r\n")
    await until(lambda: stream._timer is None)
    assert stream.is_open


@pytest.mark.parametrize("said", [b"nonsense\r\n", b"$-7\r\n"])
async def test_what_is_no_answer_ends_the_connection(stream, transport, said):
    """Nobody knows what the next one would belong to."""
    asked = stream.ask([("PING",)], PATIENCE)
    stream.data_received(said)
    with pytest.raises(InvalidResponse):
        await asked
    assert transport.closing


async def test_end_of_the_connection_is_told_to_all(stream):
    """To those who asked and to those who listen, now and later."""
    asked = stream.ask([("PING",)], PATIENCE)
    listening = asyncio.ensure_future(stream.hear())
    await asyncio.sleep(0)
    stream.connection_lost(None)
    for waiting in (asked, listening, stream.hear()):
        with pytest.raises(RedisConnectionError, match="closed"):
            await waiting
