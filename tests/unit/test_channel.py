"""The names that signals travel under."""

import fnmatch

import pytest

from microagent.channel import Channel, Pattern, called_on, received_on, sent_on

CHANNELS = {
    "PUBSUB:user_created:user_agent": Channel("PUBSUB", "user_created", "user_agent"),
    "PUBSUB:count:user_agent#abc.1~2": Channel("PUBSUB", "count", "user_agent", "abc.1~2"),
    "PUBSUB:response:uid#abc.1~2": Channel("PUBSUB", "response", "uid", "abc.1~2"),
    "a:b:c:user_created:x": Channel("a:b:c", "user_created", "x"),
    "P:s:": Channel("P", "s", ""),
    "P:s:x#": Channel("P", "s", "x", ""),
    "P:s:x#1#2": Channel("P", "s", "x", "1#2"),
    "P:s:a:b": Channel("P", "s", "a:b"),
}


@pytest.mark.parametrize(("text", "channel"), CHANNELS.items())
def test_what_is_formatted_is_parsed(text, channel):
    """Both directions, for senders and ids of older peers too; a prefix may hold colons."""
    assert Channel.parse(text, channel.prefix) == channel
    assert str(channel) == text


@pytest.mark.parametrize("text", ["", "P", "P:", "P:s", "P::x", "Q:s:x", "PP:s:x", "s:x"])
def test_what_is_no_channel_is_refused(text):
    """Another prefix, too few parts, or no signal."""
    with pytest.raises(ValueError, match="no channel of prefix 'P'"):
        Channel.parse(text, "P")


def test_refusal_shows_no_more_than_the_beginning():
    """A hostile channel does not fill the log."""
    with pytest.raises(ValueError, match="no channel") as caught:
        Channel.parse("x" * 100_000, "P")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("sender", ["user_agent", "Agent-1.2", "ünï", "a@b", "1"])
def test_names_are_senders(sender):
    """Whatever has no meaning in a channel."""
    assert Channel.parse(sent_on("P", "user", sender), "P") == Channel("P", "user", sender)


def test_a_call_travels_beside_the_signals_of_its_sender():
    """Its request id tells it from them."""
    channel = called_on(sent_on("P", "user", "agent"), "abc.1~2")
    assert Channel.parse(channel, "P") == Channel("P", "user", "agent", "abc.1~2")


@pytest.mark.parametrize("sender", ["a:b", "a#b", "a*", "a?", "a[b]", "a\\b", "a b", "a\nb", "a\x00b", "a\x7f"])
def test_what_would_break_a_channel_is_no_sender(sender):
    """Its separators, what servers read as globs, blanks and control characters."""
    with pytest.raises(ValueError, match="a sender is"):
        sent_on("P", "user", sender)


def test_channels_in_use_are_read_once():
    """Those of calls, which are used once, and overlong ones are not kept."""
    assert received_on("P:user:agent", "P") is received_on("P:user:agent", "P")
    for text in ("P:user:agent#1", "P:user:" + "x" * 1000):
        assert received_on(text, "P") == Channel.parse(text, "P")
        assert received_on(text, "P") is not received_on(text, "P")


MATCHES = [
    (Pattern("P:user:"), "P:user:agent", True),
    (Pattern("P:user:"), "P:user:agent#x.1~2", True),
    (Pattern("P:user:"), "P:users:agent", False),
    (Pattern("P:response:", "#me."), "P:response:other#me.1~2", True),
    (Pattern("P:response:", "#me."), "P:response:other#you.1~2", False),
    (Pattern("P:response:", "#me."), "P:user:other#me.1~2", False),
    (Pattern("P[1]*?:user:"), "P[1]*?:user:agent", True),
    (Pattern("P[1]*?:user:"), "P1xx:user:agent", False),
]


@pytest.mark.parametrize(("pattern", "channel", "is_match"), MATCHES)
def test_pattern_matches_its_channels(pattern, channel, is_match):
    """By the beginning, and for replies by whose call they answer."""
    assert pattern.matches(channel) is is_match


@pytest.mark.parametrize(("pattern", "channel", "is_match"), MATCHES[:6])
def test_glob_matches_the_same(pattern, channel, is_match):
    """What a server is told selects what the pattern means."""
    assert fnmatch.fnmatchcase(channel, pattern.glob()) is is_match


def test_glob_escapes_what_is_meant_as_it_stands():
    """Glob characters of a prefix are characters."""
    assert Pattern("P[1]*?:user:").glob() == r"P\[1\]\*\?:user:*"
