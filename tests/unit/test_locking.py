"""Lock files, and what they say of a source."""

import json
from pathlib import Path
from typing import Any

import pytest

from microagent.declarations import Declarations
from microagent.errors import ConfigurationError, LoadingError
from microagent.sources.locking import Lock, Remote, checked_digest, digest, plain_url, read_lock, verdict
from microagent.sources.parsing import parse

URL = "https://example.org/shared.json"
DOCUMENT: dict[str, Any] = {
    "signals": [
        {"name": "user_created", "providing_args": {"user_id": "integer"}, "description": "New."},
        {"name": "closed", "providing_args": []},
    ],
    "queues": [{"name": "mailer"}],
}


def body_of(document: object, **options: Any) -> bytes:
    return json.dumps(document, **options).encode()


BODY = body_of(DOCUMENT)


def lock_of(body: bytes = BODY, url: str = URL) -> Lock:
    declared = parse(body)
    return Lock.of(declared.signals, declared.queues, {url: Remote.of(body, declared)})


def judged(document: object, source: str = URL, **options: Any) -> tuple[list[str], str]:
    """The verdict of the lock of DOCUMENT on another one."""
    body = body_of(document, **options)
    found = verdict(lock_of(), source, body, parse(body))
    return found.faults, found.note


def changed(**signal: Any) -> dict[str, Any]:
    return {**DOCUMENT, "signals": [{**DOCUMENT["signals"][0], **signal}, DOCUMENT["signals"][1]]}


def test_a_lock_is_a_line_for_each_declaration() -> None:
    """JSON, sorted, so that a change of one declaration is one line of a diff; with a digest of what came from afar."""
    declared = parse(BODY)
    fingerprints = {each.name: each.fingerprint for each in (*declared.signals, *declared.queues)}
    assert str(lock_of()).splitlines() == [
        "{",
        '  "queues": {',
        f'    "mailer": "{fingerprints["mailer"]}"',
        "  },",
        '  "remote": {',
        f'    "{URL}": {{',
        '      "queues": [',
        '        "mailer"',
        "      ],",
        f'      "sha256": "{digest(BODY)}",',
        '      "signals": [',
        '        "closed",',
        '        "user_created"',
        "      ]",
        "    }",
        "  },",
        '  "signals": {',
        f'    "closed": "{fingerprints["closed"]}",',
        f'    "user_created": "{fingerprints["user_created"]}"',
        "  },",
        '  "version": 1',
        "}",
    ]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Both directions are one format."""
    path = tmp_path / "contracts.lock"
    path.write_text(str(lock_of()))
    assert read_lock(path) == lock_of()
    assert str(read_lock(str(path))) == str(lock_of())


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}x", b'{"version": 2}', b'{"signals": {"a": 1}}', b'{"signal": {}}', b"\xff", b"[" * 100_000],
)
def test_what_is_no_lock_is_refused(text: bytes, tmp_path: Path) -> None:
    """A file that is damaged, or of a newer kind, never counts as one that records nothing."""
    path = tmp_path / "contracts.lock"
    path.write_bytes(text)
    with pytest.raises(LoadingError, match=r"contracts\.lock: not a valid lock file: ") as caught:
        read_lock(path)
    assert "\n" not in str(caught.value)


def test_a_lock_that_is_missing_is_no_empty_lock(tmp_path: Path) -> None:
    """And the error says how it is made."""
    with pytest.raises(LoadingError) as caught:
        read_lock(tmp_path / "no.lock")
    path = tmp_path / "no.lock"
    assert str(caught.value) == f"{path}: No such file or directory; write it with: microagent-gen --lock {path}"


def test_the_same_bytes_are_what_was_locked() -> None:
    """Nothing else needs to be compared."""
    assert judged(DOCUMENT) == ([], "")


def test_other_words_for_the_same_are_noted() -> None:
    """Formatting, order, descriptions and the two ways to write arguments change bytes, and no declaration."""
    reordered = {"queues": DOCUMENT["queues"], "signals": DOCUMENT["signals"][::-1]}
    payload = {"properties": {"user_id": {"type": "integer", "description": "Whose."}}, "required": ["user_id"]}
    reworded = changed(description="Somebody is new.", deprecated=True)
    longer = {**DOCUMENT, "signals": [{"name": "user_created", "payload": payload}, DOCUMENT["signals"][1]]}
    for other in (reordered, reworded, longer):
        assert judged(other, indent=8) == ([], "its bytes have changed, but it declares the same")


def test_every_declaration_that_differs_is_named() -> None:
    """Those that changed, those that are new and those that are gone, signals first."""
    other = {
        "signals": [{"name": "user_created", "providing_args": {"user_id": "string"}}, {"name": "a", "payload": {}}],
        "queues": [{"name": "z"}],
    }
    assert judged(other)[0] == [
        "signal 'a' is new",
        "signal 'closed' is gone",
        "signal 'user_created' differs",
        "queue 'mailer' is gone",
        "queue 'z' is new",
    ]
    assert judged({})[0] == ["signal 'closed' is gone", "signal 'user_created' is gone", "queue 'mailer' is gone"]


@pytest.mark.parametrize(
    "said",
    [{"returns": "integer"}, {"providing_args": {"user_id": "number"}}, {"providing_args": ["user_id"]}],
)
def test_every_change_of_structure_is_a_difference(said: dict[str, Any]) -> None:
    """An answer, a wider type, a type less."""
    assert judged(changed(**said)) == (["signal 'user_created' differs"], "")


def test_a_document_that_was_never_locked_is_refused() -> None:
    """Though it declares the same as one that was."""
    assert judged(DOCUMENT, "https://example.org/other.json") == (["it is not recorded"], "")


def test_files_are_compared_by_what_they_declare() -> None:
    """A file has no digest in a lock: formatters may have their way with it. What others declare is not missed."""
    assert judged({"signals": DOCUMENT["signals"]}, "file://shared.json", indent=4) == ([], "")
    assert judged(changed(providing_args=[]), "file://x.json") == (["signal 'user_created' differs"], "")
    assert judged({"queues": [{"name": "new"}]}, "file://x.json") == (["queue 'new' is new"], "")


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("HTTPS://User:Secret@Example.org/a.json?v=2#top", "https://example.org/a.json?v=2"),
        ("http://example.org", "http://example.org/"),
        ("http://example.org:8080/@scope/a.json", "http://example.org:8080/@scope/a.json"),
        ("https://example.org/a.json?token=Secret&v=1", "https://example.org/a.json?token=***&v=1"),
        ("https://[::1/a.json", "https://[::1/a.json"),
        ("file:///a.json", None),
    ],
)
def test_no_password_gets_into_a_lock(source: str, kept: str | None) -> None:
    """A lock is committed; an URL is in it as it can be shown to everybody."""
    assert plain_url(source) == kept


def test_a_digest_is_read_as_people_paste_it() -> None:
    """Upper case and blanks around it are no other digest; anything else is none."""
    assert checked_digest(f" {digest(b'').upper()}\n") == digest(b"")
    for text in ("", "abc", digest(b"")[:-1], digest(b"") + "0", "g" * 64):
        with pytest.raises(ConfigurationError, match="sha256 must be a digest of 64 hexadecimal digits, not "):
            checked_digest(text)


def test_nothing_declared_is_an_empty_lock() -> None:
    """It can be read, and refuses everything."""
    empty = Lock.of([], [], {})
    assert Lock.parse(str(empty).encode(), "x") == empty
    assert empty.differences(None, Declarations(parse(BODY).signals)) == [
        "signal 'closed' is new",
        "signal 'user_created' is new",
    ]
