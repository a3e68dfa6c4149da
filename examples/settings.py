"""
What ``marun examples.settings`` runs.

Without BUS and BROKER dictionaries, the agents meet on ``local://``, a folder in the working directory. To see Redis
serve them instead::

    BUS = {"redis": {"dsn": "redis://localhost/7", "prefix": "PREF"}}
    BROKER = {"redis": {"dsn": "redis://localhost/7"}}

and ``"bus": "redis", "broker": "redis"`` in each agent's entry.
"""

import os

from examples.journal import configure

configure(os.environ.get("EXAMPLES_JOURNAL"))

AGENT = {
    "user_agent": {"backend": "examples.user_agent.UserAgent"},
    "comment_agent": {"backend": "examples.comment_agent.CommentAgent"},
    "email_agent": {"backend": "examples.email_agent.EmailAgent"},
}
