"""Copies of what came from the web."""

import os
import stat
from pathlib import Path

import pytest

from microagent.sources import copies
from microagent.sources.copies import Shelf, spoken
from microagent.sources.refusals import Refused

URL = "https://example.org/a.json"


def test_what_was_kept_is_found(tmp_path: Path) -> None:
    """Byte by byte, whatever the bytes are; the last copy counts."""
    shelf = Shelf(tmp_path / "cache", URL)
    for body in (b"", b"\n\n", b'{"a": 1}\n', bytes(range(256))):
        shelf.keep(body)
        copy = shelf.find(1_000)
        assert (copy.body, copy.path) == (body, shelf.path)
        assert 0 <= copy.age < 60
    assert list(shelf.path.parent.iterdir()) == [shelf.path]


def test_a_copy_is_its_owners_alone(tmp_path: Path) -> None:
    """The folder is 0700 and the file 0600, whatever the umask; a folder that exists stays as it is."""
    before = os.umask(0)
    try:
        new, old = Shelf(tmp_path / "new", URL), Shelf(tmp_path, URL)
        mode = tmp_path.stat().st_mode
        new.keep(b"{}")
        old.keep(b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(new.path.parent.stat().st_mode) == 0o700
    assert [stat.S_IMODE(shelf.path.stat().st_mode) for shelf in (new, old)] == [0o600, 0o600]
    assert tmp_path.stat().st_mode == mode


def test_a_copy_is_that_of_one_url(tmp_path: Path) -> None:
    """Each URL has its own, and one that was moved to the place of another is not taken for it."""
    first, second = Shelf(tmp_path, URL), Shelf(tmp_path, f"{URL}?v=2")
    first.keep(b"1")
    with pytest.raises(Refused, match="holds no copy of it"):
        second.find(10)
    second.keep(b"2")
    assert (first.find(10).body, second.find(10).body) == (b"1", b"2")
    os.replace(first.path, second.path)
    with pytest.raises(Refused, match="is damaged"):
        second.find(10)


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: kept[:-1],
        lambda kept: kept + b" ",
        lambda kept: kept.replace(b'"b"', b'"c"'),
        lambda kept: kept.replace(b'"time":', b'"time":"x","then":'),
        lambda kept: kept.partition(b"\n")[2],
        lambda kept: b"",
        lambda kept: b"[" * 50_000,
        lambda kept: b"\xff" + kept,
    ],
)
def test_a_damaged_copy_is_none(damage, tmp_path: Path) -> None:
    """Cut, prolonged, changed, without its first line: its digest or its header tells."""
    shelf = Shelf(tmp_path, URL)
    shelf.keep(b'{"a": "b"}')
    shelf.path.write_bytes(damage(shelf.path.read_bytes()))
    with pytest.raises(Refused, match="is damaged"):
        shelf.find(100_000)


def test_a_copy_that_others_could_have_written_is_none(tmp_path: Path) -> None:
    """Nor is a link to something else, a folder, or a pipe that nobody writes to."""
    shelf = Shelf(tmp_path, URL)
    shelf.keep(b"{}")
    for mode in (0o620, 0o602):
        shelf.path.chmod(mode)
        with pytest.raises(Refused, match="could be written by others"):
            shelf.find(10)
    shelf.path.chmod(0o600)
    os.rename(shelf.path, tmp_path / "elsewhere")
    shelf.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="cannot be read: Too many levels of symbolic links"):
        shelf.find(10)
    shelf.path.unlink()
    os.mkfifo(shelf.path)
    with pytest.raises(Refused, match="is no file"):
        shelf.find(10)
    shelf.path.unlink()
    shelf.path.mkdir()
    with pytest.raises(Refused, match="cannot be read: Is a directory"):
        shelf.find(10)


def test_a_copy_of_somebody_else_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what this user has written is trusted."""
    shelf = Shelf(tmp_path, URL)
    shelf.keep(b"{}")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(Refused, match="could be written by others"):
        shelf.find(10)


def test_a_copy_keeps_to_the_limit(tmp_path: Path) -> None:
    """The limit of the document, header aside."""
    shelf = Shelf(tmp_path, URL)
    shelf.keep(b"12345")
    assert shelf.find(5).body == b"12345"
    with pytest.raises(Refused, match="is larger than 4 bytes"):
        shelf.find(4)
    shelf.keep(b"x" * 200_000)
    with pytest.raises(Refused, match=r"is damaged|is larger than 4 bytes"):
        shelf.find(4)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_copy_that_cannot_be_written_leaves_the_one_before(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing temporary."""
    shelf = Shelf(tmp_path, URL)
    shelf.keep(b"1")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, refuse)
    with pytest.raises(OSError, match="No space left"):
        shelf.keep(b"2")
    assert shelf.find(10).body == b"1"
    assert list(tmp_path.iterdir()) == [shelf.path]


def test_a_clock_that_was_put_back_makes_no_negative_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy from the future is new."""
    shelf = Shelf(tmp_path, URL)
    monkeypatch.setattr(copies.time, "time", lambda: 2_000_000_000.0)
    shelf.keep(b"{}")
    monkeypatch.setattr(copies.time, "time", lambda: 1_000_000_000.0)
    assert shelf.find(10).age == 0
    monkeypatch.setattr(copies.time, "time", lambda: 2_000_007_200.0)
    assert spoken(shelf.find(10).age) == "2 hours"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "less than a minute"),
        (59.9, "less than a minute"),
        (60, "1 minute"),
        (7199, "1 hour"),
        (86_400 * 3, "3 days"),
    ],
)
def test_an_age_is_told_in_one_unit(seconds: float, said: str) -> None:
    """The largest that there is one of."""
    assert spoken(seconds) == said
