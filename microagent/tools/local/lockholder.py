"""Which process has a lock that another one waits for."""

import os

from microagent.tools.local.folder import Folder


def lock_holder(folder: Folder, name: str) -> str:
    """
    The process that holds the lock on the file ``name``, in words; the kernel knows.

    A process that was stopped (``SIGSTOP``, Ctrl-Z) keeps its locks, and everybody waits for it to go on.
    """
    try:
        pid = _pid_of_holder(os.stat(folder.address(name)).st_ino)
    except OSError:  # the folder was removed
        pid = None
    return "a process" if pid is None else f"process {pid}{_state(pid)}"


def _pid_of_holder(inode: int) -> int | None:
    with open("/proc/locks") as locks:  # 3: FLOCK  ADVISORY  WRITE 4711 fd:01:131 0 EOF
        for line in locks:
            _, kind, _, _, pid, file, *_ = line.split()  # a waiting one has "->" for a kind
            if kind == "FLOCK" and file.endswith(f":{inode}"):
                return int(pid)
    return None


def _state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return ", which is stopped," if stat.read().rpartition(")")[2].split()[0] in "tT" else ""
    except OSError:  # it has just ended, or is not ours to see
        return ""
