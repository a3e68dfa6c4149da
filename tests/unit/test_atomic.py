"""Files that are there whole, or as they were."""

import os
from pathlib import Path

import pytest

from microagent.atomic import PRIVATE, write_whole


def test_permissions_are_kept(tmp_path: Path) -> None:
    """A new file has what the umask allows, or what is asked for; one that was there keeps its own."""
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "usual", b"1")
        write_whole(tmp_path / "private", b"1", PRIVATE)
        assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("usual", "private")] == [0o640, 0o600]
        (tmp_path / "usual").chmod(0o600)
        write_whole(tmp_path / "usual", b"2")
    finally:
        os.umask(before)
    assert (tmp_path / "usual").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "usual").read_bytes() == b"2"


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_what_was_there(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing temporary."""
    write_whole(tmp_path / "file", b"1")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, refuse)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "file", b"2")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"1")]
