"""The folder of ``local://``."""

import os
import socket
import stat

import pytest

from microagent import ConfigurationError
from microagent.tools.local import folder as module
from microagent.tools.local.folder import Folder, folder_path

SOMEBODY_ELSE = 65534


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize(
    ("dsn", "path"),
    [
        ("local://", "{cwd}/.microagent"),
        ("local:///var/lib/shop", "/var/lib/shop"),
        ("local://data/shop", "{cwd}/data/shop"),
        ("local://./shop", "{cwd}/shop"),
    ],
)
def test_path_of_a_dsn(dsn, path, monkeypatch, tmp_path):
    """What follows ``local://`` is a path, absolute or relative to the working directory; ``.microagent`` without."""
    monkeypatch.chdir(tmp_path)
    assert folder_path(dsn) == path.format(cwd=tmp_path)


def test_new_folder_is_private_whatever_the_umask(tmp_path):
    """Folder 0700 and files 0600, under a umask that takes nothing away too."""
    before = os.umask(0)
    try:
        folder = Folder.open(f"{tmp_path}/place")
        os.close(folder.open_file("file", os.O_RDWR | os.O_CREAT))
    finally:
        os.umask(before)
    assert mode(folder.path) == 0o700
    assert mode(f"{folder.path}/file") == 0o600
    folder.close()


def test_new_folder_stays_out_of_git(tmp_path):
    """A folder inside a repository is not committed by accident."""
    Folder.open(f"{tmp_path}/place").close()
    assert (tmp_path / "place" / ".gitignore").read_text() == "*\n"


def test_empty_folder_of_ours_is_made_private(tmp_path):
    """``mkdir`` by hand beforehand does no harm."""
    (tmp_path / "place").mkdir(mode=0o755)
    Folder.open(f"{tmp_path}/place").close()
    assert mode(tmp_path / "place") == 0o700


def test_two_may_find_the_same_new_folder(tmp_path, monkeypatch):
    """One that another process makes private meanwhile is not refused for what it was a moment ago."""
    (tmp_path / "place").mkdir(mode=0o755)
    names = Folder.names

    def slowly(folder):
        monkeypatch.undo()
        Folder.open(folder.path).close()
        return names(folder)

    monkeypatch.setattr(Folder, "names", slowly)
    Folder.open(f"{tmp_path}/place").close()
    assert mode(tmp_path / "place") == 0o700


def test_private_folder_with_files_is_left_as_it_is(tmp_path):
    """A folder that holds other things gets no ``.gitignore``."""
    place = tmp_path / "place"
    place.mkdir(mode=0o700)
    (place / "notes.txt").touch()
    Folder.open(str(place)).close()
    assert os.listdir(place) == ["notes.txt"]


def test_folder_that_is_open_to_others_is_refused(tmp_path):
    """A folder in use by others is neither used nor changed; the error says what to do."""
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(0o755)
    (place / "notes.txt").touch()
    with pytest.raises(ConfigurationError, match=r"accessible to other users.*chmod 700"):
        Folder.open(str(place))
    assert mode(place) == 0o755


def test_link_is_refused(tmp_path):
    """Who can make a link cannot choose where messages go."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "place").symlink_to("real")
    with pytest.raises(ConfigurationError, match="no folder, or a link"):
        Folder.open(f"{tmp_path}/place")


def test_file_is_refused(tmp_path):
    """A file where the folder should be is one clear error."""
    (tmp_path / "place").touch()
    with pytest.raises(ConfigurationError, match="no folder, or a link"):
        Folder.open(f"{tmp_path}/place")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_another_user_is_refused(tmp_path):
    """Another user's folder is not used, even where we might."""
    place = tmp_path / "place"
    place.mkdir(mode=0o700)
    os.chown(place, SOMEBODY_ELSE, SOMEBODY_ELSE)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        Folder.open(str(place))


def test_parent_that_anybody_can_write_is_refused(tmp_path):
    """Without the sticky bit, anybody could put a folder of their own in its place."""
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigurationError, match="writable by all"):
        Folder.open(f"{tmp_path}/place")


def test_parent_with_the_sticky_bit_is_fine(tmp_path):
    """/tmp is such a parent."""
    tmp_path.chmod(0o1777)
    Folder.open(f"{tmp_path}/place").close()


def test_missing_parent_is_named(tmp_path):
    """Only the last folder of the path is made."""
    with pytest.raises(ConfigurationError, match=r"there is no folder .*/missing to make it in"):
        Folder.open(f"{tmp_path}/missing/place")


def test_system_that_cannot_do_it_is_refused(tmp_path, monkeypatch):
    """Where sockets cannot be reached through a folder, the error says so before anything is made."""
    monkeypatch.setattr(module, "DESCRIPTORS", f"{tmp_path}/none")
    with pytest.raises(ConfigurationError, match="needs Linux"):
        Folder.open(f"{tmp_path}/place")
    assert os.listdir(tmp_path) == []


def test_address_of_a_socket_fits_however_long_the_path_is(tmp_path):
    """A path of more than 200 characters is no obstacle, though an address takes 107 bytes."""
    folder = Folder.open(f"{tmp_path}/{'x' * 200}")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
        listener.bind(folder.address("bus-0123456789abcdef0123456789abcdef.sock"))
        listener.listen()
        caller.connect(folder.address("bus-0123456789abcdef0123456789abcdef.sock"))
    assert "bus-0123456789abcdef0123456789abcdef.sock" in os.listdir(folder.path)
    folder.close()


def test_closing_twice_is_once(tmp_path):
    """A folder that is closed lets go of its descriptor, once: what has its number by then stays open."""
    folder = Folder.open(f"{tmp_path}/place")
    folder.close()
    with open(tmp_path / "other", "w") as other:
        folder.close()
        other.write("still open")
