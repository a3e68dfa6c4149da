"""The messages of one channel of RabbitMQ, frame by frame."""

from typing import cast

import pytest
from aiormq import spec
from aiormq.abc import AbstractChannel
from amqp_frames import CONSUMERS, delivered, payload
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from microagent.tools.amqp.arrived import Arrived
from microagent.tools.amqp.deliveries import Deliveries
from microagent.tools.amqp.frames import BODY, HEADER, HEARTBEAT, METHOD, FrameError

KINDS = {ContentHeader: HEADER, ContentBody: BODY}


@pytest.fixture
def got() -> list[Arrived]:
    return []


@pytest.fixture
def deliveries(got: list[Arrived]) -> Deliveries:
    return Deliveries(cast("AbstractChannel", None), CONSUMERS, got.append)


def hear(deliveries, *frames):
    """Whether each is taken."""
    return [deliveries.hear(KINDS.get(type(frame), METHOD), payload(frame)) for _, frame in frames]


def test_message_is_taken(deliveries, got):
    """Its method, its header and all parts of its body."""
    assert all(hear(deliveries, *delivered(1, 7, b"a", b"", b"b")))
    assert [(each.delivery_tag, each.body) for each in got] == [(7, b"ab")]


def test_message_without_a_body_ends_with_its_header(deliveries, got):
    """There is nothing to wait for."""
    assert all(hear(deliveries, *delivered(1, 7)))
    assert [each.body for each in got] == [b""]


@pytest.mark.parametrize(
    "frames",
    [
        delivered(1, 1, b"{}", consumer="somebody"),
        [(1, spec.Basic.GetOk(1, False, "", "queue", 0)), *delivered(1, 1, b"{}")[1:]],
        [(1, spec.Basic.Return(312, "NO_ROUTE", "", "q")), *delivered(1, 1, b"{}")[1:]],
        [(1, spec.Basic.CancelOk("ours.1"))],
        [(1, spec.Channel.Close(404, "gone", 0, 0))],
    ],
)
def test_everything_else_is_the_drivers(deliveries, got, frames):
    """Messages to other consumers, and those that were asked for or come back, with all that belongs to them."""
    assert not any(hear(deliveries, *frames))
    assert all(hear(deliveries, *delivered(1, 2, b"{}")))
    assert [each.delivery_tag for each in got] == [2]


def test_sign_of_life_in_between_is_the_drivers(deliveries, got):
    """Whatever channel it names."""
    method, *content = delivered(1, 1, b"{}")
    hear(deliveries, method)
    assert not deliveries.hear(HEARTBEAT, b"")
    hear(deliveries, *content)
    assert len(got) == 1


def test_channel_may_close_in_the_middle_of_a_message(deliveries, got):
    """What there was of it is forgotten."""
    method, header, body, _ = delivered(1, 1, b"a", b"b")
    hear(deliveries, method, header, body)
    assert hear(deliveries, (1, spec.Channel.Close(541, "broken", 0, 0))) == [False]
    hear(deliveries, *delivered(1, 2, b"c"))
    assert [each.body for each in got] == [b"c"]


METHOD_FRAME, HEADER_FRAME, BODY_FRAME = delivered(1, 1, b"{}")


@pytest.mark.parametrize(
    ("frames", "problem"),
    [
        ([METHOD_FRAME, METHOD_FRAME], "cut short by something else"),
        ([METHOD_FRAME, HEADER_FRAME, (1, spec.Basic.QosOk())], "cut short by something else"),
        ([METHOD_FRAME, HEADER_FRAME, HEADER_FRAME], "two headers"),
        ([METHOD_FRAME, BODY_FRAME], "more of a message"),
        ([METHOD_FRAME, HEADER_FRAME, (1, ContentBody(b"{ }"))], "more of a message"),
    ],
)
def test_what_does_not_follow_is_an_error(deliveries, got, frames, problem):
    """No message is made of it."""
    with pytest.raises(FrameError, match=problem):
        hear(deliveries, *frames)
    assert got == []


def test_what_is_cut_short_is_an_error(deliveries):
    """Wherever a method or a header ends too early."""
    method, header = payload(METHOD_FRAME[1]), payload(HEADER_FRAME[1])
    tag_ends = 5 + len("ours.1") + 8
    for size in range(5 + len(CONSUMERS), tag_ends):
        with pytest.raises(FrameError, match="a delivery is cut short"):
            deliveries.hear(METHOD, method[:size])
    for size in range(14):
        deliveries = Deliveries(cast("AbstractChannel", None), CONSUMERS, [].append)
        deliveries.hear(METHOD, method)
        with pytest.raises(FrameError, match="the header of a message is cut short"):
            deliveries.hear(HEADER, header[:size])
