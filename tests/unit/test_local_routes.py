"""Who wants what is published."""

from microagent.channel import Pattern
from microagent.tools.local.routes import Routes

PAID = Pattern("P:paid:")
REPLIES = Pattern("P:response:", "#me.")


def test_channel_goes_to_those_who_subscribed_to_its_head():
    """A head is a beginning of the channel, and another signal's name is none."""
    routes: Routes[str] = Routes()
    routes.add("a", [PAID])
    assert routes.find("P:paid:shop") == {"a"}
    assert routes.find("P:paid_late:shop") == set()
    assert routes.find("Q:paid:shop") == set()
    assert routes.find("P:") == set()


def test_tag_has_to_be_in_the_rest():
    """Replies to others are not ours."""
    routes: Routes[str] = Routes()
    routes.add("a", [REPLIES])
    assert routes.find("P:response:bus#me.1~2") == {"a"}
    assert routes.find("P:response:bus#you.1~2") == set()


def test_member_with_several_matching_patterns_is_one():
    """Overlapping subscriptions bring a message once."""
    routes: Routes[str] = Routes()
    routes.add("a", [PAID, Pattern("P:"), Pattern("P:paid:", "shop")])
    routes.add("b", [PAID])
    assert routes.find("P:paid:shop") == {"a", "b"}


def test_routes_agree_with_patterns():
    """The quick look-up finds exactly what each pattern matches."""
    patterns = [Pattern(head, tag) for head in ("", "P", "P:a:", "P:ab:", "Q:a:") for tag in ("", "x", "#x.")]
    routes: Routes[Pattern] = Routes()
    for pattern in patterns:
        routes.add(pattern, [pattern])
    for channel in ("P:a:s", "P:a:x", "P:ab:s#x.1", "Q:a:", "Q", "", "R:a:x"):
        assert routes.find(channel) == {pattern for pattern in patterns if pattern.matches(channel)}


def test_removed_is_not_found():
    """One member's leaving changes nothing for another; what nobody wants is forgotten."""
    routes: Routes[str] = Routes()
    for member in "ab":
        routes.add(member, [PAID, REPLIES])
    routes.remove("a", [PAID])
    assert routes.find("P:paid:shop") == {"b"}
    assert routes.of("a") == [REPLIES]
    routes.forget("b")
    assert routes.find("P:paid:shop") == set()
    assert routes.of("b") == []


def test_removing_what_is_not_there_does_nothing():
    """A peer may unsubscribe from what it never subscribed to."""
    routes: Routes[str] = Routes()
    routes.remove("a", [PAID])
    assert routes.find("P:paid:shop") == set()
