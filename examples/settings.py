"""
Settings for ``marun examples.settings``.

Without the dictionaries BUS and BROKER, the agents use ``local://``, a folder in the working directory. To use Redis
instead, add::

    BUS = {"redis": {"dsn": "redis://localhost/7", "prefix": "PREF"}}
    BROKER = {"redis": {"dsn": "redis://localhost/7"}}

and add ``"bus": "redis", "broker": "redis"`` to the entry of each agent.
"""

import os

from examples.journal import configure

configure(os.environ.get("EXAMPLES_JOURNAL"))

AGENT = {
    "user_agent": {"backend": "examples.user_agent.UserAgent"},
    "comment_agent": {"backend": "examples.comment_agent.CommentAgent"},
    "email_agent": {"backend": "examples.email_agent.EmailAgent"},
}
