"""What members of a folder say to each other."""

import struct

import pytest

from microagent import SignalSerializingError
from microagent.channel import Pattern
from microagent.tools.local import frames
from microagent.tools.local.frames import FrameError, FrameReader, Kind, SubscriptionChange

STREAM = b"".join(
    [
        frames.signal_frame("PUBSUB:paid:shop", b'{"total": 1}'),
        frames.confirm_frame(7),
        frames.subscription_frame(
            Kind.SUBSCRIBE, SubscriptionChange.of(3, [Pattern("PUBSUB:paid:"), Pattern("PUBSUB:response:", "#me.")])
        ),
        frames.signal_frame("PUBSUB:größe:shop", bytes(range(256)) * 3),
    ]
)


def read(chunks) -> list[tuple[int, bytes]]:
    reader = FrameReader()
    return [frame for chunk in chunks for frame in reader.feed(chunk)]


def test_frames_are_read_as_they_were_written():
    """A signal, a confirmation and a subscription say after the way what they said before it."""
    (_, paid), (_, confirmed), (_, change), (_, size) = read([STREAM])
    assert frames.read_signal(paid) == ("PUBSUB:paid:shop", b'{"total": 1}')
    assert frames.read_confirm(confirmed) == 7
    assert frames.read_subscription(change).number == 3
    assert frames.read_subscription(change).subscribed() == [
        Pattern("PUBSUB:paid:"),
        Pattern("PUBSUB:response:", "#me."),
    ]
    assert frames.read_signal(size) == ("PUBSUB:größe:shop", bytes(range(256)) * 3)


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 100, len(STREAM)])
def test_chunks_do_not_matter(size):
    """However a stream is cut on its way, its frames are the same."""
    chunks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert read(chunks) == read([STREAM])


def test_length_beyond_the_longest_is_refused_by_its_header():
    """A hostile length is refused before anything of that length is waited for."""
    reader = FrameReader()
    with pytest.raises(FrameError, match="4294967295 bytes"):
        reader.feed(struct.pack("!IB", 0xFFFFFFFF, Kind.SIGNAL))


@pytest.mark.parametrize(
    ("body", "channel"), [(frames.LONGEST, "c"), (1, "c" * (frames.LONGEST_NAME + 1))], ids=["body", "channel"]
)
def test_signal_that_no_frame_can_carry_is_not_sent(body, channel):
    """Who sends more than a peer would take is told, instead of losing the peer."""
    with pytest.raises(SignalSerializingError, match="more than the 67108864"):
        frames.signal_frame(channel, bytes(body))


@pytest.mark.parametrize("payload", [b"", b"\0", b"\xff\xffshort", b"\0\2\xff\xff{}"])
def test_signal_that_makes_no_sense(payload):
    """Nonsense in a signal is a frame error, whatever it is."""
    with pytest.raises(FrameError):
        frames.read_signal(payload)


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b'{"number": 1, "patterns": [["a"]]}', b"\xff"])
def test_subscription_that_makes_no_sense(payload):
    """Nonsense in a subscription is a frame error."""
    with pytest.raises(FrameError):
        frames.read_subscription(payload)


def test_confirmation_that_makes_no_sense():
    """Nonsense in a confirmation is a frame error."""
    with pytest.raises(FrameError):
        frames.read_confirm(b"seven")
