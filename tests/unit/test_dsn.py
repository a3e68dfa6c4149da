"""Data source names."""

import re

import pytest

from microagent.backends import import_class
from microagent.broker import AbstractQueueBroker
from microagent.bus import AbstractSignalBus
from microagent.dsn import BACKENDS, DSN, broker_path, bus_path, hide, masked
from microagent.errors import ConfigurationError


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("redis://localhost/7", "redis://localhost/7"),
        ("redis://user:hush@localhost:6379/7", "redis://user:***@localhost:6379/7"),
        ("redis://:hush@localhost", "redis://:***@localhost"),
        ("redis://user@localhost", "redis://user@localhost"),
        ("amqp://user:hu@sh@localhost", "amqp://user:***@localhost"),
        ("amqp://user:hu/sh?x#y@localhost", "amqp://user:***@localhost"),
        ("amqp://user:hu\nsh@localhost", "amqp://user:***@localhost"),
        ("redis://localhost?password=hush&db=1", "redis://localhost?password=***&db=1"),
        ("kafka://h?db=1&sasl_plain_PASSWORD=hush", "kafka://h?db=1&sasl_plain_PASSWORD=***"),
        ("redis://localhost?api_key=hush;client_secret=hush", "redis://localhost?api_key=***;client_secret=***"),
        ("redis://us/er:hush@localhost", "redis://us/er:***@localhost"),
        ("redis://us?er:hush@localhost", "redis://us?er:***@localhost"),
        ("user:hush@localhost", "user:***@localhost"),
        ("kafka://h?pasword=hush", "kafka://h?pasword=***"),
        ("unix://user:hush@/run/redis.sock?db=1", "unix://user:***@/run/redis.sock?db=1"),
        ("unix:///run/a:b@c.sock?%70assword=hush", "unix:///run/a:b@c.sock?%70assword=***"),
        ("redis+sentinel://u:hush@a:1,b:2/m/0?password=hush", "redis+sentinel://u:***@a:1,b:2/m/0?password=***"),
        ("local:///tmp/a@b:c@d", "local:///tmp/a@b:c@d"),
        ("local://", "local://"),
    ],
)
def test_masked_hides_passwords_and_nothing_else(dsn: str, shown: str) -> None:
    """
    Passwords, also badly escaped ones, and password-like options are hidden; the rest stays readable.
    """
    assert masked(dsn) == shown


def test_parts_are_decoded() -> None:
    """
    User, password, path and options come out of their percent-encoding.
    """
    dsn = DSN.parse("redis://me%40home:p%2Fw@localhost:6379/a%20b?timeout=5&name=")

    assert dsn == DSN(
        scheme="redis",
        hosts=(("localhost", 6379),),
        path="/a b",
        username="me@home",
        password="p/w",
        options={"timeout": "5", "name": ""},
    )


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("local:///tmp/x", ()),
        ("redis://[::1]:6379/0", (("::1", 6379),)),
        ("kafka://a:9092,b,c:9094", (("a", 9092), ("b", None), ("c", 9094))),
        ("local://Relative/path", (("Relative", None),)),
    ],
)
def test_hosts(text: str, hosts: tuple[tuple[str, int | None], ...]) -> None:
    """
    None, one or several hosts, each with a port or without, in the letters they were written in.
    """
    assert DSN.parse(text).hosts == hosts


def test_repr_shows_no_password() -> None:
    """
    The repr names scheme, hosts and path; never user, password or options.
    """
    assert repr(DSN.parse("redis://user:hush@localhost:6379/7?token=hush")) == "<DSN redis://localhost/7>"


@pytest.mark.parametrize("text", ["", "localhost:6379", "/tmp/x", "redis://h:port", "redis://[::1/0", "redis://h:1:2"])
def test_no_dsn_is_refused(text: str) -> None:
    """
    What has no scheme or an unreadable host or port is refused in one sentence.
    """
    with pytest.raises(ConfigurationError, match=r"is no DSN: it"):
        DSN.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "redis://user:12/34@h/0",
        "redis://user:12#34@h/0",
        "redis://user:12?34@h/0",
        "amqp://guest:12/34@h/",
        "kafka://h:9092#a",
        "redis://:1/2@h",
    ],
)
def test_password_that_would_be_cut_is_refused(text: str) -> None:
    """
    What has to be escaped and is not is said, before half of a password is taken for a port and shown in an error.
    """
    with pytest.raises(ConfigurationError, match="have to be written as %2F, %3F, %23 and %40") as refusal:
        DSN.parse(text)

    assert "12" not in str(refusal.value)


def test_path_may_hold_anything() -> None:
    """
    Behind ``local://`` and ``unix://`` is a path, and nobody escapes that.
    """
    assert DSN.parse("local:///a:b@c#d").scheme == "local"
    assert DSN.parse("unix:///a:b@c.sock?db=1").path == "/a:b@c.sock"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no redis://u:p%40s@h/0?token=t0k here", "no redis://u:***@h/0?token=*** here"),
        ("wrong password 'p@s'", "wrong password '***'"),
        ("port 'p%40s@h'", "port '***@h'"),
        ("token=t0k", "token=***"),
    ],
)
def test_what_others_say_of_a_dsn_is_told_without_its_passwords(text: str, said: str) -> None:
    """
    Whether they repeat it whole, or the password alone, as it was written or as it was meant.
    """
    assert hide(text, "redis://u:p%40s@h/0?token=t0k") == said


@pytest.mark.parametrize(("kind", "cls"), [("bus", AbstractSignalBus), ("broker", AbstractQueueBroker)])
def test_backends_take_the_schemes_that_lead_to_them(kind: str, cls: type) -> None:
    """
    A constructor refuses every other, at once and with a guess, and one that is no text without repeating it.
    """
    for scheme, backend in BACKENDS.items():
        path = getattr(backend, kind)
        if path is None or scheme == "memory":
            continue
        made = import_class(path, cls)
        assert scheme in made.SCHEMES
        with pytest.raises(
            ConfigurationError, match=f"is no DSN of {made.__name__}, which takes .*{re.escape(scheme)}.*://"
        ):
            made(f"{scheme}x://user:hush@h")
        with pytest.raises(ConfigurationError, match=rf"^{made.__name__} takes a DSN as a string, not bytes$"):
            made(b"redis://user:hush@h")


def test_refusal_shows_no_password() -> None:
    """
    A DSN that cannot be read is shown without its password.
    """
    with pytest.raises(ConfigurationError) as refusal:
        DSN.parse("redis://user:hush@host:port")

    assert "hush" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_scheme_says_the_backend() -> None:
    """
    The scheme alone tells where bus and broker are imported from, in any case of letters.
    """
    assert bus_path("local:///tmp/x") == "microagent.tools.local.LocalSignalBus"
    assert broker_path("LOCAL://") == "microagent.tools.local.LocalBroker"
    assert bus_path("rediss://user:hush@h/1") == bus_path("unix:///run/redis.sock") == bus_path("redis://h")
    assert broker_path("amqps://h") == "microagent.tools.amqp.AMQPBroker"


def test_unknown_scheme_names_the_known_ones_with_a_guess() -> None:
    """
    A misspelt scheme is answered with the likely one and the list of all.
    """
    with pytest.raises(ConfigurationError) as refusal:
        broker_path("redsi://user:hush@h")

    assert str(refusal.value) == (
        f"no queue broker for 'redsi://user:***@h', only for {', '.join(BACKENDS)}, did you mean 'redis'?"
    )


@pytest.mark.parametrize("dsn", ["kafka://h", "amqp://h"])
def test_server_without_signals_is_no_bus(dsn: str) -> None:
    """
    RabbitMQ and Kafka carry queues only.
    """
    with pytest.raises(ConfigurationError, match=f"no signal bus for '{dsn}', only for memory, local, redis"):
        bus_path(dsn)
