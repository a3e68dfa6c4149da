"""What is asked of SQLite.

Every statement works on a whole batch and gives at most one row: each step of a statement gives up the interpreter's
lock, and to get it back from a busy event loop takes 5 ms.
"""

from microagent.delivery import Verdict

ARRIVE = "INSERT INTO waiting SELECT queue, 0, id, 0, 0 FROM message WHERE id > ?"

# :dues is a JSON array of seconds since the epoch, one for each message after :before.
ARRIVE_LATER = """
    INSERT INTO waiting
    SELECT queue, value, message.id, 0, 0 FROM json_each(:dues) JOIN message ON message.id = :before + 1 + key
"""

PROMOTE = "UPDATE waiting SET due = 0 WHERE queue = ? AND due > 0 AND due <= ?"

HOLD = """
    INSERT INTO held (owner, expires, queue, id, failures, crashes)
    SELECT :owner, :expires, :queue, id, failures, crashes
    FROM (
        SELECT *, sum(size) OVER (ORDER BY id) - size AS before
        FROM (
            SELECT waiting.id, failures, crashes, length(body) AS size
            FROM waiting JOIN message ON message.id = waiting.id
            WHERE waiting.queue = :queue AND due = 0
            ORDER BY waiting.id LIMIT :limit
        )
    )
    WHERE before < :bytes ORDER BY id
"""

READ = """
    SELECT json_group_array(json_array(lease, id, failures, crashes, length(body), headers)),
           CAST(group_concat(body, '') AS BLOB)
    FROM (
        SELECT lease, held.id, failures, crashes, body, headers
        FROM held JOIN message ON message.id = held.id
        WHERE lease > ? ORDER BY lease
    )
"""

TAKEN = "DELETE FROM waiting WHERE queue = ? AND due = 0 AND id <= ?"

NEXT_DUE = "SELECT due FROM waiting WHERE queue = ? AND due > 0 ORDER BY due LIMIT 1"

# In the statements on leases, :rows is a JSON array of arrays that begin with a lease. A lease that is held no more
# finds nothing: its message went to somebody else.

_LEASES = "SELECT json_extract(value, '$[0]') FROM json_each(:rows)"
_HELD = "json_each(:rows) JOIN held ON lease = json_extract(value, '$[0]')"

MOVE = {
    Verdict.ACK: f"DELETE FROM message WHERE id IN (SELECT held.id FROM {_HELD})",
    Verdict.RELEASE: f"INSERT INTO waiting SELECT queue, 0, held.id, failures, crashes FROM {_HELD}",
    Verdict.RETRY: f"""
        INSERT INTO waiting
        SELECT queue, json_extract(value, '$[1]'), held.id, failures + 1, crashes FROM {_HELD}
    """,
    Verdict.BURY: f"""
        INSERT INTO dead (queue, id, reason, attempts, time)
        SELECT queue, held.id, json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]')
        FROM {_HELD}
    """,
}

LET_GO = f"DELETE FROM held WHERE lease IN ({_LEASES})"

RENEW = f"UPDATE held SET expires = :expires WHERE lease IN ({_LEASES})"

STILL_HELD = f"SELECT json_group_array(lease) FROM {_HELD}"

OWNERS = "SELECT json_group_array(DISTINCT owner) FROM held"

# Leases, as :rows of the statements above, and the queues of their messages.

_LEASES_AND_QUEUES = "SELECT json_group_array(json_array(lease)), json_group_array(DISTINCT queue) FROM held"

OWN = f"{_LEASES_AND_QUEUES} WHERE owner = ?"

LOST = f"{_LEASES_AND_QUEUES} WHERE expires <= ? OR owner IN (SELECT value FROM json_each(?))"

COME_BACK = f"INSERT INTO waiting SELECT queue, 0, held.id, failures, crashes + 1 FROM {_HELD}"

LENGTH = "SELECT count(*) FROM waiting WHERE queue = ?"

DEAD = """
    SELECT number, body, reason, attempts, time FROM dead JOIN message ON message.id = dead.id
    WHERE dead.queue = ? ORDER BY number LIMIT ?
"""

# In the statements on dead letters, :numbers is a JSON array of theirs; of those that are gone, there is nothing to do.

_LETTERS = "SELECT value FROM json_each(:numbers)"

RESEND = """
    INSERT INTO message (queue, body, headers)
    SELECT dead.queue, body, headers
    FROM json_each(:numbers) JOIN dead ON number = value JOIN message ON message.id = dead.id
    WHERE dead.queue = :queue ORDER BY key
"""

FORGET = f"""
    DELETE FROM message
    WHERE id IN (SELECT id FROM dead WHERE number IN ({_LETTERS}) AND queue = :queue)
"""

DISCARD = f"DELETE FROM dead WHERE number IN ({_LETTERS}) AND queue = :queue"


def insert(rows: int) -> str:
    """Insert so many messages: for each a queue, a body, and headers or NULL."""
    return "INSERT INTO message (queue, body, headers) VALUES " + ", ".join(["(?, ?, ?)"] * rows)
