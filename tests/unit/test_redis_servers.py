"""What a DSN says about where Redis is."""

import pytest

from microagent import ConfigurationError
from microagent.dsn import BACKENDS
from microagent.tools.redis import RedisBroker, RedisSignalBus
from microagent.tools.redis.servers import Address, Cluster, Sentinels, SingleServer, servers_of


@pytest.mark.parametrize(
    ("dsn", "complaint"),
    [
        ("redis://u:Xyzzy@host/0?nonsense=1", "cannot be used with Redis: it has no option 'nonsense'"),
        ("redis://u:Xyzzy@host:99999/0", "host or port|Port"),
        ("redis://u:Xyzzy@host/mine", "number of a database"),
        ("redis+cluster://u:Xyzzy@host/3", "a cluster has no database but 0"),
        ("unix://u:Xyzzy@", "the path names the socket"),
        ("redis://u:Xyzzy@host/?db=first", "db"),
        ("redis+sentinel://u:Xyzzy@host:26379", "names the master"),
        ("redis+cluster://u:Xyzzy@one:1,two:2?nonsense=3", "nonsense"),
    ],
)
@pytest.mark.parametrize("kind", [RedisBroker, RedisSignalBus])
def test_dsn_that_cannot_be_used_is_one_clear_error(kind, dsn, complaint):
    """When the object is made, without the password."""
    with pytest.raises(ConfigurationError, match=complaint) as raised:
        kind(dsn)
    assert "Xyzzy" not in str(raised.value)


@pytest.mark.parametrize(
    ("dsn", "kind"),
    [
        ("redis://localhost/7", SingleServer),
        ("redis://localhost", SingleServer),
        ("rediss://user:p%40ss@host:6380/0?ssl_cert_reqs=none", SingleServer),
        ("unix:///run/redis.sock?db=3", SingleServer),
        ("redis+sentinel://:p%40ss@one,two:26380/mymaster/2", Sentinels),
        ("rediss+sentinel://one/mymaster", Sentinels),
        ("redis+cluster://one,two:7001", Cluster),
        ("rediss+cluster://user:pass@one:7000", Cluster),
    ],
)
def test_dsn_says_what_kind_of_servers_there_are(dsn, kind):
    """By its scheme; every one of these is known to settings too."""
    assert type(servers_of(dsn)) is kind
    assert dsn.partition(":")[0] in BACKENDS


def test_slot_decides_on_which_node_a_queue_is():
    """All keys of a queue are on one node: ours have its name as their hash tag."""
    cluster = Cluster("redis+cluster://one")
    first, second = Address("one", 6379), Address("two", 6379)
    cluster._slots = [(0, 8191, first), (8192, 16383, second)]
    for name in ("mailer", "orders", "audit"):
        assert cluster.address(name) == cluster.address(f"{{{name}}}:ready")
    assert {cluster.address(name) for name in ("mailer", "orders", "audit", "a", "b", "c")} == {first, second}


@pytest.mark.parametrize(
    ("dsn", "checked"),
    [
        ("rediss://h", True),
        ("rediss+cluster://h", True),
        ("rediss://h?ssl_cert_reqs=none", False),
        ("rediss://h?ssl_check_hostname=false", False),
    ],
)
def test_certificate_is_that_of_the_host(dsn, checked):
    """Whatever the driver does by default, and unless the DSN says otherwise."""
    assert servers_of(dsn)._connection().ssl_context.check_hostname is checked
