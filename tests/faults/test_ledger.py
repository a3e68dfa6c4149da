"""Unit tests of the ledger: what it says of made-up runs."""

import pytest

from faults.ledger import Entry, check, read


def account(*lines: str, dead: tuple[str, ...] = ()):
    """What a ledger with these lines says, a second between one and the next."""
    return check((Entry.parse(f"{time} {line}") for time, line in enumerate(lines)), dead)


def test_all_is_well():
    """What was attempted, acknowledged and done once is no more than that."""
    report = account("try a", "ok a", "start a 1", "done a")
    assert (report.attempted, report.acknowledged, report.done, report.ended) == (1, 1, 1, 3.0)
    assert (report.lost, report.unexpected, report.duplicated, report.recovered) == (frozenset(), frozenset(), 0, 0)


def test_lost():
    """What was acknowledged and never done is lost, begun or not."""
    assert account("try a", "ok a", "try b", "ok b", "start b 1").lost == {"a", "b"}


def test_what_was_not_acknowledged_is_not_lost():
    """It may be done, or not."""
    assert account("try a", "try b", "start b 1", "done b").lost == frozenset()


def test_dead_letters_are_not_lost():
    """They are accounted for."""
    report = account("try a", "ok a", "start a 1", dead=("a",))
    assert (report.lost, report.dead) == (frozenset(), 1)


def test_unexpected():
    """What was done and never attempted came from nowhere."""
    assert account("start a 1", "done a").unexpected == {"a"}


def test_duplicated():
    """Every end of a handler beyond the first counts."""
    assert account("try a", "ok a", *("start a 1", "done a") * 3).duplicated == 2


def test_recovered():
    """Done after a run that was cut short."""
    report = account("try a", "ok a", "start a 1", "start a 1", "done a")
    assert (report.recovered, report.duplicated) == (1, 0)


def test_end_is_that_of_the_last_message():
    """Of its first end; a duplicate does not make it later."""
    assert account("try a", "try b", "done a", "done b", "done b").ended == 3.0


def test_report_names_what_is_wrong():
    """The first ten of it."""
    text = str(account(*(f"ok m{number}" for number in range(20)), "done x"))
    assert "20 acknowledged, 1 done, 0 dead, 20 lost, 1 unexpected" in text
    assert "lost: m0, m1, m10" in text
    assert "…" in text
    assert "unexpected: x" in text


def test_files_are_read(tmp_path):
    """All of a folder; the line that a process was killed in does not count."""
    (tmp_path / "one.ledger").write_text("1.5 try a\n2 ok a\n3 try")
    (tmp_path / "two.ledger").write_text("2.5 start a 2\n")
    (tmp_path / "other.log").write_text("hello")
    assert list(read(tmp_path)) == [Entry(1.5, "try", "a"), Entry(2.0, "ok", "a"), Entry(2.5, "start", "a", 2)]


def test_what_is_no_entry_is_an_error():
    """It is not passed over."""
    with pytest.raises(ValueError, match="unpack"):
        Entry.parse("hello")
