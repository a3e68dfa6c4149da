"""Copies of what came from the web."""

import os
import stat
from pathlib import Path

import pytest

from microagent.sources import cache
from microagent.sources.cache import CacheEntry, age_text
from microagent.sources.refusals import DocumentError

URL = "https://example.org/a.json"


def test_what_was_kept_is_found(tmp_path: Path) -> None:
    """Byte by byte, whatever the bytes are; the last copy counts."""
    entry = CacheEntry(tmp_path / "cache", URL)
    for body in (b"", b"\n\n", b'{"a": 1}\n', bytes(range(256))):
        entry.store(body)
        copy = entry.load(1_000)
        assert (copy.body, copy.path) == (body, entry.path)
        assert 0 <= copy.age < 60
    assert list(entry.path.parent.iterdir()) == [entry.path]


def test_a_copy_is_its_owners_alone(tmp_path: Path) -> None:
    """The folder is 0700 and the file 0600, whatever the umask; a folder that exists stays as it is."""
    before = os.umask(0)
    try:
        new, old = CacheEntry(tmp_path / "new", URL), CacheEntry(tmp_path, URL)
        mode = tmp_path.stat().st_mode
        new.store(b"{}")
        old.store(b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(new.path.parent.stat().st_mode) == 0o700
    assert [stat.S_IMODE(entry.path.stat().st_mode) for entry in (new, old)] == [0o600, 0o600]
    assert tmp_path.stat().st_mode == mode


def test_a_copy_is_that_of_one_url(tmp_path: Path) -> None:
    """Each URL has its own, and one that was moved to the place of another is not taken for it."""
    first, second = CacheEntry(tmp_path, URL), CacheEntry(tmp_path, f"{URL}?v=2")
    first.store(b"1")
    with pytest.raises(DocumentError, match="holds no copy of it"):
        second.load(10)
    second.store(b"2")
    assert (first.load(10).body, second.load(10).body) == (b"1", b"2")
    os.replace(first.path, second.path)
    with pytest.raises(DocumentError, match="is damaged"):
        second.load(10)


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
    entry = CacheEntry(tmp_path, URL)
    entry.store(b'{"a": "b"}')
    entry.path.write_bytes(damage(entry.path.read_bytes()))
    with pytest.raises(DocumentError, match="is damaged"):
        entry.load(100_000)


def test_a_copy_that_others_could_have_written_is_none(tmp_path: Path) -> None:
    """Nor is a link to something else, a folder, or a pipe that nobody writes to."""
    entry = CacheEntry(tmp_path, URL)
    entry.store(b"{}")
    for mode in (0o620, 0o602):
        entry.path.chmod(mode)
        with pytest.raises(DocumentError, match="can be written by other users"):
            entry.load(10)
    entry.path.chmod(0o600)
    os.rename(entry.path, tmp_path / "elsewhere")
    entry.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DocumentError, match="cannot be read: Too many levels of symbolic links"):
        entry.load(10)
    entry.path.unlink()
    os.mkfifo(entry.path)
    with pytest.raises(DocumentError, match="is not a regular file"):
        entry.load(10)
    entry.path.unlink()
    entry.path.mkdir()
    with pytest.raises(DocumentError, match="cannot be read: Is a directory"):
        entry.load(10)


def test_a_copy_of_somebody_else_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what this user has written is trusted."""
    entry = CacheEntry(tmp_path, URL)
    entry.store(b"{}")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(DocumentError, match="can be written by other users"):
        entry.load(10)


def test_a_copy_keeps_to_the_limit(tmp_path: Path) -> None:
    """The limit of the document, header aside."""
    entry = CacheEntry(tmp_path, URL)
    entry.store(b"12345")
    assert entry.load(5).body == b"12345"
    with pytest.raises(DocumentError, match="is larger than 4 bytes"):
        entry.load(4)
    entry.store(b"x" * 200_000)
    with pytest.raises(DocumentError, match=r"is damaged|is larger than 4 bytes"):
        entry.load(4)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_copy_that_cannot_be_written_leaves_the_one_before(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing temporary."""
    entry = CacheEntry(tmp_path, URL)
    entry.store(b"1")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, refuse)
    with pytest.raises(OSError, match="No space left"):
        entry.store(b"2")
    assert entry.load(10).body == b"1"
    assert list(tmp_path.iterdir()) == [entry.path]


def test_a_clock_that_was_put_back_makes_no_negative_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy from the future is new."""
    entry = CacheEntry(tmp_path, URL)
    monkeypatch.setattr(cache.time, "time", lambda: 2_000_000_000.0)
    entry.store(b"{}")
    monkeypatch.setattr(cache.time, "time", lambda: 1_000_000_000.0)
    assert entry.load(10).age == 0
    monkeypatch.setattr(cache.time, "time", lambda: 2_000_007_200.0)
    assert age_text(entry.load(10).age) == "2 hours"


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
    assert age_text(seconds) == said
