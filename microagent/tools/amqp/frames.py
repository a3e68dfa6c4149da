"""The few frames that are read and written here, because there is one of each for every message (AMQP 0-9-1, 2.3.5)."""

import struct
from collections.abc import Iterable, Iterator

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
KINDS = frozenset({METHOD, HEADER, BODY, HEARTBEAT})
HEAD = struct.Struct(">BHI")  # what kind, of which channel, how many bytes follow before the end
END = 0xCE
AROUND = HEAD.size + 1  # bytes of a frame that are not its payload
SIGN_OF_LIFE = bytes.fromhex("08 0000 00000000 ce")

PUBLISH = bytes.fromhex("003c 0028")  # how the payload of a method begins: its class, its number in it
DELIVER = bytes.fromhex("003c 003c")
ACK = bytes.fromhex("003c 0050")
CHANNEL_CLOSE = bytes.fromhex("0014 0028")
CONSUMER_AT = 5  # in a ``basic.deliver``: the tag of its consumer, behind its length

LONGEST_NAME = 255  # bytes

_NUMBER = struct.Struct(">Q")
_CONTENT = struct.Struct(">HxxQ")  # what stands before properties: a class, nothing, the size of the body
_BASIC = 60
_ACK = struct.Struct(">BHI4sQBB")
_ACK_SIZE = len(ACK) + _NUMBER.size + 1  # bytes
_SIZE_AT = 4  # in the header of a content, behind its class and weight
_FLAGS_AT = 12

_CONTENT_TYPE, _ENCODING, _HEADERS, _MODE, _PRIORITY = 0x8000, 0x4000, 0x2000, 0x1000, 0x0800
_CORRELATION, _REPLY_TO, _EXPIRATION, _ID = 0x0400, 0x0200, 0x0100, 0x0080
_MORE = 0x0001  # flags follow, of which the protocol has none
_FLAGS = struct.Struct(">H")


class FrameError(ConnectionError):
    """What came is not what the protocol allows."""


class NoFrameError(FrameError):
    """What came cannot be told apart."""


def split(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Kind, channel, begin and end of each frame, up to where one is not whole, or none."""
    at, end, unpack = 0, len(data), HEAD.unpack_from
    while at + AROUND <= end:
        kind, channel, size = unpack(data, at)
        stop = at + AROUND + size
        if stop > end or kind not in KINDS or data[stop - 1] != END:
            return
        yield kind, channel, at, stop
        at = stop


def size_of_next(data: bytes) -> int:
    """
    Bytes of the frame that begins so, at least.

    :raises NoFrameError: if none does
    """
    if data and data[0] not in KINDS:
        raise NoFrameError("what came begins like no frame")
    if len(data) < HEAD.size:
        return AROUND
    _, _, size = HEAD.unpack_from(data)
    if AROUND + size <= len(data):
        raise NoFrameError("a frame does not end where it should")
    return AROUND + int(size)


def publish_method(exchange: str, routing_key: str, mandatory: bool) -> bytes:
    """The method that a content follows."""
    return b"%b\0\0%b%b%c" % (PUBLISH, _name(exchange), _name(routing_key), mandatory)


def publication(channel: int, method: bytes, properties: bytes, body: bytes, largest: int) -> bytes:
    """
    A method with its content.

    :param properties: their flags and values
    :param largest: bytes of the body in one frame; not above 0: as many as it has
    """
    largest = largest if largest > 0 else max(len(body), 1)
    frames = [_frame(METHOD, channel, method), _frame(HEADER, channel, _CONTENT.pack(_BASIC, len(body)) + properties)]
    frames += [_frame(BODY, channel, body[at : at + largest]) for at in range(0, len(body), largest)]
    return b"".join(frames)


def room(largest: int) -> int:
    """How many bytes of properties a frame of ``largest`` bytes has room for; 0: there is no largest."""
    return (largest or 1 << 32) - AROUND - _CONTENT.size


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return b"%b%b\xce" % (HEAD.pack(kind, channel, len(payload)), payload)


def _name(text: str) -> bytes:
    data = text.encode()
    return b"%c%b" % (len(data), data)


def acknowledgements(channel: int, tags: Iterable[int]) -> bytes:
    """``basic.ack`` of each."""
    return b"".join([_ACK.pack(METHOD, channel, _ACK_SIZE, ACK, tag, 0, END) for tag in tags])


def acknowledgement(method: bytes) -> tuple[int, bool]:
    """The tag of a ``basic.ack``, and whether it is for all before it too."""
    if len(method) < _ACK_SIZE:
        raise FrameError("an acknowledgement is cut short")
    tag: int = _NUMBER.unpack_from(method, len(ACK))[0]
    return tag, bool(method[_ACK_SIZE - 1] & 1)


def delivery_tag(method: bytes) -> int:
    """Of a ``basic.deliver``, behind the tag of its consumer."""
    try:
        tag: int = _NUMBER.unpack_from(method, CONSUMER_AT + method[CONSUMER_AT - 1])[0]
    except (struct.error, IndexError) as error:
        raise FrameError("a delivery is cut short") from error
    return tag


def body_size(header: bytes) -> int:
    """Bytes of the body, as the header of a content tells them."""
    if len(header) < _FLAGS_AT + 2:
        raise FrameError("the header of a message is cut short")
    size: int = _NUMBER.unpack_from(header, _SIZE_AT)[0]
    return size


def plain_properties(content_type: str, mode: int, id: str) -> bytes:  # noqa: A002 - it is the protocol's word
    """No others than these."""
    flags = _FLAGS.pack(_CONTENT_TYPE | _MODE | _ID)
    return b"%b%b%c%b" % (flags, _name(content_type), mode, _name(id))


def plain_id(header: bytes) -> str | None:
    """
    The message id, empty if there is none; None if that cannot be told without reading all properties.

    They stand in an order that is fixed, those that are flagged. Whoever looks for headers need not where this is told.
    """
    flags = header[_FLAGS_AT] << 8 | header[_FLAGS_AT + 1]
    if flags & (_HEADERS | _MORE):
        return None
    if not flags & _ID:
        return ""
    at = _FLAGS_AT + 2
    try:
        for flag in (_CONTENT_TYPE, _ENCODING):
            if flags & flag:
                at += 1 + header[at]
        at += bool(flags & _MODE) + bool(flags & _PRIORITY)
        for flag in (_CORRELATION, _REPLY_TO, _EXPIRATION):
            if flags & flag:
                at += 1 + header[at]
        return header[at + 1 : at + 1 + header[at]].decode()
    except (IndexError, UnicodeDecodeError):
        return None
