"""The tables of the store, and their version."""

import sqlite3

from microagent.errors import ConfigurationError

# Where a message is, is said by the table that names it: waiting, held or dead; its body is written once.
# What never repeats (AUTOINCREMENT) can be handed out: a lease names one holder's hold on one message for good.
TABLES = (
    """
    CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of arrival
        queue TEXT NOT NULL,
        body BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE waiting (
        queue TEXT NOT NULL,
        due REAL NOT NULL,  -- 0: ready; else seconds since the epoch
        id INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        crashes INTEGER NOT NULL,
        PRIMARY KEY (queue, due, id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE held (  -- as many as all processes hold: some hundreds, so that it needs no index
        lease INTEGER PRIMARY KEY AUTOINCREMENT,
        owner TEXT NOT NULL,
        expires REAL NOT NULL,  -- on the machine's monotonic clock; an owner of an earlier boot is dead
        queue TEXT NOT NULL,
        id INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        crashes INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE dead (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        id INTEGER NOT NULL,
        reason TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        time REAL NOT NULL
    )
    """,
    "CREATE INDEX dead_of_queue ON dead (queue)",
)

HEADERS = ("ALTER TABLE message ADD COLUMN headers TEXT",)  # a JSON object of texts, if there are any

STEPS = (TABLES, HEADERS)  # each makes of a file of one version a file of the next; that of a new one is 0
VERSION = len(STEPS)


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """
    Bring a new file, or that of an older microagent, up to date; part of the caller's transaction.

    :raises ConfigurationError: if a newer microagent wrote the file
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ConfigurationError(
            f"{path}: was written by a newer microagent (version {version} of the store, this one knows {VERSION})"
        )
    for step in STEPS[version:]:
        for statement in step:
            connection.execute(statement)
    if version < VERSION:
        connection.execute(f"PRAGMA user_version = {VERSION}")
