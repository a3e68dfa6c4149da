"""Formats, where jsonschema asks too little or too much."""

import pytest

from microagent.schemas.formats import checked_formats
from microagent.schemas.validation import Check
from microagent.schemas.words import FORMATS


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "email",
            ["a@example.org", "a.b+c@example.org", '"a @ b"@example.org', "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]"],
            [
                "a",
                "@example.org",
                "a@",
                ".a@b.org",
                "a.@b.org",
                "a..b@c.org",
                "a b@c.org",
                "a@b@c.org",
                "a@[1.2.3.300]",
                "a@[::1]",
            ],
        ),
        (
            "date-time",
            [
                "1998-12-31T23:59:60Z",
                "1998-12-31t15:59:60.123-08:00",
                "1998-12-31T23:59:59Z",
                "1999-01-01T01:29:60+01:30",
            ],
            [
                "1998-12-31T22:59:60Z",
                "1998-12-31T23:58:60Z",
                "1998-12-32T23:59:60Z",
                "1998-12-31T23:59:61Z",
                "1998-12-31T23:59:60",
            ],
        ),
        (
            "time",
            ["23:59:60Z", "23:59:60.5+00:00", "00:29:60-23:30"],
            ["23:59:60", "12:00:60Z", "23:59:60+00:01", "24:59:60Z"],
        ),
        ("regex", [r"^\p{L}$"], ["(?P<a>)", "("]),
    ],
)
def test_a_text_has_a_format_or_has_it_not(name, good, bad):
    """A mailbox is one of RFC 5321, a leap second comes before midnight of UTC, a regex is one of ECMA-262."""
    check = Check({"format": name}, formats=True)
    assert [text for text in good if check.problem(text) is not None] == []
    assert [text for text in bad if check.problem(text) != f'$: does not fit format: "{name}"'] == []
    assert check.problem(1) is None


def test_what_can_be_checked_is_known():
    """All of JSON Schema's, with the packages that development installs."""
    assert checked_formats() >= FORMATS
