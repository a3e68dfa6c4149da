"""The store of ``local://``."""

import os
import sqlite3
import stat
import threading
import time

import pytest
from support import settled

from microagent import BackendError, ConfigurationError
from microagent.delivery import Delivery, Verdict
from microagent.tools.local import disk, schema, statements
from microagent.tools.local import store as module
from microagent.tools.local.folder import Folder
from microagent.tools.local.store import Store


class Client:
    """A store in which every call is a transaction of its own."""

    def __init__(self, folder, owner="me", synchronous="FULL"):
        self.store = Store(folder, owner, synchronous)

    def __getattr__(self, name):
        def call(*args, **options):
            with self.store.transaction(durable=False):
                return getattr(self.store, name)(*args, **options)

        return call

    def send(self, *bodies, queue="q"):
        self.push([(queue, body, None) for body in bodies])

    def get(self, limit=100, queue="q", lease=30.0) -> list[Delivery]:
        deliveries, _ = self.take(queue, limit, lease)
        return deliveries

    def bodies(self, queue="q"):
        """Everything that can be taken; it is handed back."""
        deliveries = self.get(queue=queue)
        self.decide(Verdict.RELEASE, *deliveries)
        return [delivery.body for delivery in deliveries]

    def decide(self, verdict, *deliveries, **facts):
        self.settle([settled(delivery, verdict, **facts) for delivery in deliveries])


@pytest.fixture
def folder(tmp_path):
    folder = Folder.open(f"{tmp_path}/place")
    yield folder
    folder.close()


@pytest.fixture
def client(folder):
    client = Client(folder)
    yield client
    client.store.close()


@pytest.fixture
def other(folder):
    """Another process, as far as the store can tell."""
    other = Client(folder, "other")
    yield other
    other.store.close()


def nobody(_owner) -> bool:
    """All the others are dead."""
    return False


def everybody(_owner) -> bool:
    return True


def test_messages_come_in_order_of_arrival(client):
    """The oldest first, across pushes, whatever their number in one."""
    bodies = [b"%d" % number for number in range(module.ROWS * 2 + 3)]
    client.send(*bodies)
    client.send(b"last")
    assert [delivery.body for delivery in client.get(limit=5000)] == [*bodies, b"last"]


@pytest.mark.parametrize("body", [b"", b"\0", b"a\0b", b"\xff\xfe\0", bytes(range(256)) * 1000], ids=range(5))
def test_body_comes_as_it_was_sent(client, body):
    """A body is bytes: neither empty ones nor NUL nor broken UTF-8 change on the way, among others too."""
    client.send(b"before", body, b"after")
    assert [delivery.body for delivery in client.get()] == [b"before", body, b"after"]


def test_queues_are_apart(client):
    """A message is taken from its own queue alone, however alike the names are."""
    client.send(b"1", queue="mail")
    client.send(b"2", queue="mailer")
    assert client.bodies("mail") == [b"1"]
    assert client.bodies("mailer") == [b"2"]
    assert client.bodies("MAIL") == []


def test_take_is_limited_by_number(client):
    """No more than asked for."""
    client.send(b"1", b"2", b"3")
    assert [len(client.get(limit=2)), len(client.get(limit=2)), len(client.get(limit=2))] == [2, 1, 0]


def test_take_is_limited_by_size_but_never_stuck(client, monkeypatch):
    """Large bodies come a few at a time, and one that is larger than the limit alone."""
    monkeypatch.setattr(module, "TAKE_BYTES", 1000)
    client.send(bytes(400), bytes(400), bytes(400), bytes(5000), b"small")
    assert [[len(delivery.body) for delivery in client.get()] for _ in range(4)] == [[400, 400, 400], [5000], [5], []]


def test_message_is_held_by_one(client, other):
    """What one process holds, no other gets."""
    client.send(b"1", b"2", b"3")
    mine, theirs = client.get(limit=2), other.get()
    assert [delivery.body for delivery in mine + theirs] == [b"1", b"2", b"3"]


def test_acknowledged_message_is_gone(client):
    """Nothing of it is left in the file."""
    client.send(b"1", b"2")
    client.decide(Verdict.ACK, *client.get(limit=1))
    assert client.bodies() == [b"2"]
    client.decide(Verdict.ACK, *client.get())
    counts = [client.store._value(f"SELECT count(*) FROM {table}") for table in ("message", "waiting", "held", "dead")]
    assert counts == [0, 0, 0, 0]


def test_released_message_has_its_old_place_and_nothing_counted(client):
    """Handed back, it comes first again, as if it had never been taken."""
    client.send(b"1", b"2", b"3")
    client.decide(Verdict.RELEASE, *client.get(limit=2))
    again = client.get()
    assert [(delivery.body, delivery.attempt, delivery.crashes) for delivery in again] == [
        (b"1", 1, 0),
        (b"2", 1, 0),
        (b"3", 1, 0),
    ]


def test_retried_message_is_counted_and_comes_at_once(client):
    """Without a delay it is ready, its failed run counted."""
    client.send(b"1", b"2")
    client.decide(Verdict.RETRY, *client.get(limit=1))
    assert [(delivery.body, delivery.attempt) for delivery in client.get()] == [(b"1", 2), (b"2", 1)]


def test_delayed_message_comes_when_it_is_due(client, monkeypatch):
    """Until then ``take`` says when that is; afterwards it comes in order of arrival."""
    client.send(b"1", b"2", b"3")
    client.decide(Verdict.RETRY, *client.get(limit=2), delay=60)
    now = time.time()
    taken, due = client.take("q", 10, 30)
    assert [delivery.body for delivery in taken] == [b"3"]
    assert due == pytest.approx(now + 60, abs=5)
    monkeypatch.setattr(module.time, "time", lambda: now + 61)
    taken, due = client.take("q", 10, 30)
    assert [(delivery.body, delivery.attempt) for delivery in taken] == [(b"1", 2), (b"2", 2)]
    assert due is None


def test_message_that_is_sent_later_comes_when_it_is_due(client, monkeypatch):
    """Until then it is counted, and ``take`` says when that is; then it has its place among the others."""
    now = time.time()
    with client.store.transaction(durable=True):
        client.store.push_later([("q", b"1", None), ("other", b"2", None), ("q", b"3", None)], [60, 5, 30])
    client.send(b"4")
    taken, due = client.take("q", 10, 30)
    assert [(delivery.body, delivery.attempt) for delivery in taken] == [(b"4", 1)]
    assert due == pytest.approx(now + 30, abs=5)
    assert client.length("q") == 2
    monkeypatch.setattr(module.time, "time", lambda: now + 61)
    taken, due = client.take("q", 10, 30)
    assert [(delivery.body, delivery.attempt) for delivery in taken] == [(b"1", 1), (b"3", 1)]
    assert due is None


def test_buried_message_is_a_dead_letter(client):
    """Reason, attempts, time and body are there to read, the oldest first, and stay."""
    client.send(b"\xff1", b"2")
    first, second = client.get()
    first.attempt = 4
    began = time.time()
    client.decide(Verdict.BURY, first, reason="ValueError: ünknown\0\ud800")
    client.decide(Verdict.BURY, second, reason="no")
    letters = client.dead("q", 10)
    assert [(letter.body, letter.attempts, letter.id) for letter in letters] == [(b"\xff1", 4, "1"), (b"2", 1, "2")]
    assert letters[0].reason.startswith("ValueError: ünknown")
    assert began <= letters[0].time <= time.time()
    assert client.dead("q", 1) == letters[:1]
    assert client.dead("other", 10) == []
    assert client.length("q") == 0


def test_verdicts_of_a_batch_are_carried_out_together(client):
    """Each its own, in one call."""
    client.send(*(b"%d" % number for number in range(8)))
    deliveries = client.get()
    verdicts = [Verdict.ACK, Verdict.RETRY, Verdict.BURY, Verdict.RELEASE] * 2
    client.settle([settled(each, verdict) for each, verdict in zip(deliveries, verdicts, strict=True)])
    assert [(delivery.body, delivery.attempt) for delivery in client.get()] == [
        (b"1", 2),
        (b"3", 1),
        (b"5", 2),
        (b"7", 1),
    ]
    assert [letter.body for letter in client.dead("q", 10)] == [b"2", b"6"]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_verdict_of_a_lost_lease_does_nothing(client, other, verdict):
    """When somebody else has the message by now, only their verdict counts."""
    client.send(b"1")
    late = client.get()
    other.reap(nobody)
    now_theirs = other.get()
    client.decide(verdict, *late)
    assert client.length("q") == 0
    assert client.dead("q", 10) == []
    other.decide(Verdict.RETRY, *now_theirs)
    assert [(delivery.body, delivery.attempt, delivery.crashes) for delivery in client.get()] == [(b"1", 2, 1)]


def test_verdict_twice_counts_once(client):
    """The second verdict on the same delivery finds nothing to do."""
    client.send(b"1")
    deliveries = client.get()
    client.decide(Verdict.RETRY, *deliveries)
    client.decide(Verdict.ACK, *deliveries)
    assert client.length("q") == 1


def test_what_the_dead_held_comes_back_counted_as_crashed(client, other):
    """A run that ended with its process is counted apart from failed ones, in order of arrival."""
    client.send(b"1", b"2", b"3")
    other.decide(Verdict.RETRY, *other.get(limit=1))
    other.get(limit=2)
    client.reap(everybody)
    assert client.bodies() == [b"3"]
    client.reap(nobody)
    again = client.get()
    assert [(each.body, each.attempt, each.crashes) for each in again] == [(b"1", 2, 1), (b"2", 1, 1), (b"3", 1, 0)]


def test_own_messages_are_not_reaped(client):
    """Who looks for the dead knows that it lives itself."""
    client.send(b"1")
    client.get()
    client.reap(nobody)
    assert client.length("q") == 0


def test_what_the_silent_held_comes_back(client, other):
    """A holder that lives but does not renew loses its messages when the lease is over."""
    client.send(b"1", b"2")
    other.get(limit=1, lease=-1)
    other.get(limit=1, lease=30)
    client.reap(everybody)
    assert [(delivery.body, delivery.crashes) for delivery in client.get()] == [(b"1", 1)]


def test_renewed_lease_goes_on(client):
    """Renewing keeps a message; those that are lost are named."""
    client.send(b"1", b"2")
    kept, lost = client.get(lease=-1)
    assert client.renew([kept.token], 30) == set()
    client.reap(everybody)
    assert client.renew([kept.token, lost.token], 30) == {lost.token}
    assert client.bodies() == [b"2"]


def test_handing_back_counts_nothing(client, other):
    """Who leaves with messages in hand gives back its own, and nobody else's."""
    client.send(b"1", b"2")
    client.get(limit=1)
    other.get(limit=1)
    client.hand_back()
    assert [(delivery.body, delivery.crashes) for delivery in other.get()] == [(b"1", 0)]


def test_length_counts_what_waits(client):
    """Ready and delayed messages, not those that are held."""
    client.send(b"1", b"2", b"3", b"4")
    client.decide(Verdict.RETRY, *client.get(limit=1), delay=60)
    client.get(limit=1)
    assert client.length("q") == 3
    assert client.length("other") == 0


def test_stirred_queues_are_those_with_something_new(client, other):
    """What was sent, retried, released or given back is worth a look; what was taken or is done is not."""
    client.send(b"1", queue="a")
    client.send(b"2", b"3", b"4", queue="b")
    assert client.store.readied() == {"a", "b"}
    assert client.store.readied() == set()
    (first,), (second, third) = client.get(queue="a"), client.get(queue="b", limit=2)
    assert client.store.readied() == set()
    client.settle([settled(first, Verdict.ACK), settled(second, Verdict.RETRY, delay=5)])
    assert client.store.readied() == {"b"}
    client.decide(Verdict.BURY, third)
    assert client.store.readied() == set()
    client.get(queue="b")
    other.reap(nobody)
    assert other.store.readied() == {"b"}


def test_failed_transaction_leaves_nothing(client):
    """All or nothing: what went before the failure is undone."""
    with pytest.raises(RuntimeError), client.store.transaction(durable=True):  # noqa: PT012 - both belong together
        client.store.push([("q", b"1", None)])
        raise RuntimeError
    assert client.bodies() == []


def buried(client, *bodies, queue="q"):
    client.send(*bodies, queue=queue)
    client.decide(Verdict.BURY, *client.get(queue=queue), reason="no")
    return client.dead(queue, 100)


def test_resent_message_is_the_newest(client):
    """It stands behind what waits, in the order in which the letters were given, and whoever waits is woken."""
    one, two, three = buried(client, b"1", b"2", b"3")
    client.send(b"0")
    client.store.readied()
    assert client.resend("q", [three, one]) == 2
    assert client.store.readied() == {"q"}
    assert client.bodies() == [b"0", b"3", b"1"]
    assert client.dead("q", 100) == [two]
    client.store.readied()
    assert client.resend("q", [three, one]) == 0
    assert client.store.readied() == set()
    assert client.length("q") == 3


def test_nothing_is_left_of_a_letter_that_was_discarded(client):
    """Neither the letter nor its message; what has its number in another queue is not touched."""
    (letter,) = buried(client, b"1")
    assert client.discard("other", [letter]) == client.resend("other", [letter]) == 0
    assert client.discard("q", [letter, letter]) == 1
    assert [client.store._value(f"SELECT count(*) FROM {table}") for table in ("message", "waiting", "dead")] == [0] * 3


def test_resending_is_all_or_nothing(client):
    """What ends in the middle leaves the letter, and no message."""
    letters = buried(client, b"1", b"2")
    with pytest.raises(RuntimeError), client.store.transaction(durable=True):  # noqa: PT012 - both belong together
        client.store.resend("q", letters)
        raise RuntimeError
    assert client.bodies() == []
    assert client.dead("q", 100) == letters


def test_letter_stays_on_a_full_disk_and_can_be_discarded(client, monkeypatch):
    """There is no room for its message, but always for taking it away."""
    letters = buried(client, b"1")
    monkeypatch.setattr(disk, "RESERVE", 1 << 60)
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result((4096, 4096, 1000, 250, 249, 0, 0, 0, 0, 255)))
    with pytest.raises(BackendError, match=r"queues\.db: the disk is full"):
        client.resend("q", letters)
    assert client.dead("q", 100) == letters
    assert client.discard("q", letters) == 1


def test_full_disk_is_an_error_that_leaves_nothing_half_written(client):
    """The sender is told; when there is room again, the store works again."""
    client.send(b"before")
    client.store._connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(BackendError, match=r"queues\.db: database or disk is full"):
        client.send(*[bytes(1000)] * 500)
    client.store._connection.execute("PRAGMA max_page_count = 100000")
    client.send(b"after")
    assert client.bodies() == [b"before", b"after"]


def test_last_of_the_disk_is_kept_for_taking_messages_out(client, monkeypatch):
    """Nothing is accepted that would leave no room for acknowledging what waits."""
    client.send(b"1")
    monkeypatch.setattr(disk, "RESERVE", 1 << 60)
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result((4096, 4096, 1000, 250, 249, 0, 0, 0, 0, 255)))
    with pytest.raises(BackendError, match=r"queues\.db: the disk is full"):
        client.send(b"2")
    client.decide(Verdict.ACK, *client.get())
    assert client.bodies() == []


def test_removed_file_accepts_nothing(folder, client):
    """What would be written to a file that has no name any more is refused."""
    client.send(b"1")
    folder.remove("queues.db")
    with pytest.raises(BackendError, match=r"queues\.db: was removed while it was in use"):
        client.send(b"2")


def test_log_of_a_flood_is_not_kept(folder, client):
    """After large messages the log beside the file becomes small again."""
    client.send(*[bytes(1_000_000)] * 40)
    assert os.stat(f"{folder.path}/queues.db-wal").st_size > 40_000_000
    client.send(b"next")
    assert os.stat(f"{folder.path}/queues.db-wal").st_size < 20_000_000


def test_messages_outlive_the_store(folder):
    """Closed and opened again, everything is where it was."""
    before = Client(folder)
    before.send(b"1", b"2", b"3")
    before.decide(Verdict.BURY, *before.get(limit=1), reason="no")
    before.store.close()
    after = Client(folder, "another")
    assert after.bodies() == [b"2", b"3"]
    assert [letter.reason for letter in after.dead("q", 10)] == ["no"]
    after.store.close()


def test_files_are_private_whatever_the_umask(folder):
    """Messages can be read by this user alone."""
    before = os.umask(0)
    try:
        client = Client(folder)
        client.send(b"1")
        modes = {stat.S_IMODE(os.stat(f"{folder.path}/{name}").st_mode) for name in folder.names() if "db" in name}
        client.store.close()
    finally:
        os.umask(before)
    assert modes == {0o600}


def test_newer_file_is_refused(folder, client):
    """A file of a newer microagent is left alone, with a sentence that says so."""
    client.store._connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(ConfigurationError, match=r"written by a newer microagent \(version 3 .* knows 2\)"):
        Store(folder, "other", "FULL")


def test_older_file_is_brought_up_to_date(folder, client, monkeypatch):
    """What an older microagent has left is there for a newer one, which the older one then leaves alone."""
    client.send(b"1")
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, ("ALTER TABLE message ADD COLUMN trace TEXT",)))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    newer = Client(folder, "newer")
    assert newer.bodies() == [b"1"]
    assert newer.store._value("SELECT trace FROM message") is None
    newer.store.close()
    monkeypatch.undo()
    with pytest.raises(ConfigurationError, match="written by a newer microagent"):
        Store(folder, "other", "FULL")


def test_file_from_before_there_were_headers(folder, monkeypatch):
    """Its messages are there, and have none; new ones may."""
    monkeypatch.setattr(schema, "STEPS", schema.STEPS[:1])
    monkeypatch.setattr(schema, "VERSION", 1)
    older = Client(folder)
    older.store._connection.execute("INSERT INTO message (queue, body) VALUES ('q', x'31')")
    older.store._connection.execute(statements.ARRIVE, (0,))
    older.store.close()
    monkeypatch.undo()
    newer = Client(folder)
    newer.push([("q", b"2", '{"trace": "af"}')])
    assert [(delivery.body, delivery.headers) for delivery in newer.get()] == [(b"1", {}), (b"2", {"trace": "af"})]
    newer.store.close()


def test_file_that_is_no_database_is_an_error(folder):
    """Something else under that name is named, not overwritten."""
    with open(f"{folder.path}/queues.db", "wb") as file:
        file.write(b"hello" * 1000)
    with pytest.raises(BackendError, match=r"queues\.db: file is not a database"):
        Store(folder, "me", "FULL")


@pytest.mark.parametrize(("synchronous", "durable", "lazy"), [("FULL", 2, 1), ("NORMAL", 1, 1), ("OFF", 0, 0)])
def test_only_what_must_be_durable_waits_for_the_disk(folder, synchronous, durable, lazy):
    """A message that was accepted is written as ``synchronous`` says; leases and verdicts may be undone."""
    store = Store(folder, "me", synchronous)
    for needed, mode in ((True, durable), (False, lazy), (True, durable)):
        with store.transaction(durable=needed):
            assert store._value("PRAGMA synchronous") == mode
    store.close()


def test_many_processes_take_turns(folder):
    """Stores that write at the same time all succeed, and no message is taken twice or lost."""
    taken: list[bytes] = []

    def work(owner: str) -> None:
        client = Client(folder, owner)
        for number in range(50):
            client.send(f"{owner}.{number}".encode())
            mine = client.get(limit=2)
            taken.extend(delivery.body for delivery in mine)
            client.decide(Verdict.ACK, *mine)
        client.store.close()

    threads = [threading.Thread(target=work, args=(f"owner{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(f"owner{owner}.{number}".encode() for owner in range(6) for number in range(50))


STATEMENTS = {
    "arrive": statements.ARRIVE,
    "promote": statements.PROMOTE,
    "hold": statements.HOLD,
    "read": statements.READ,
    "taken": statements.TAKEN,
    "next due": statements.NEXT_DUE,
    "let go": statements.LET_GO,
    "renew": statements.RENEW,
    "come back": statements.COME_BACK,
    "length": statements.LENGTH,
    "dead": statements.DEAD,
    **{verdict.value: move for verdict, move in statements.MOVE.items()},
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_looks_at_all_messages(client, name):
    """Whatever waits, a statement finds its rows by an index: it costs the same with a million messages."""
    statement = STATEMENTS[name]
    connection = sqlite3.connect(client.store.path)
    values = dict.fromkeys(("owner", "expires", "queue", "limit", "bytes", "rows"), 1) if ":" in statement else None
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values or (1,) * statement.count("?")).fetchall()
    connection.close()
    steps = [step for *_, step in plan]
    assert not [step for step in steps if step.startswith(("SCAN message", "SCAN waiting", "SCAN held", "SCAN dead"))]
