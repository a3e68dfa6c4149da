"""Properties that the driver cannot read."""

import struct

import pytest
from pamqp import decode

from microagent.tools.amqp.lenience import SIZES, lenient, read_leniently

BAD = {
    "shortstr": b"\x02\xff\xfe",
    "table": struct.pack(">I", 7) + b"\x01\xffS\x00\x00\x00\x00",
    "timestamp": b"\xff" * 8,
}


@pytest.mark.parametrize("kind", SIZES)
def test_what_cannot_be_read_is_skipped(kind):
    """What follows it is read as before."""
    read_leniently()
    assert decode.by_type(BAD[kind] + b"rest", kind) == (len(BAD[kind]), None)


def test_what_can_be_read_is_read():
    """Texts, tables and times."""
    read_leniently()
    assert decode.by_type(b"\x02okrest", "shortstr") == (3, "ok")
    assert decode.by_type(b"\x00\x00\x00\x00rest", "table") == (4, {})
    assert decode.by_type(struct.pack(">Q", 0), "timestamp")[1].year == 1970


def test_reading_is_made_lenient_once():
    """However often it is asked for."""
    read_leniently()
    before = dict(decode.METHODS)
    read_leniently()
    assert before == decode.METHODS
    assert lenient(decode.void, len)(b"") == (0, None)
