"""jsonschema's verdicts where numbers are exact, texts and arrays long, and values hostile."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microagent.schemas.validation import Check
from microagent.schemas.words import FORMATS

HUGE = 10**400


@pytest.mark.parametrize(
    ("step", "multiples", "others"),
    [
        (0.01, [19.99, 4.35, 1, 0, -0.0, 1e300, HUGE], [19.995, 1e-3]),
        (0.1, [0.3, 2**70], [0.25, 1e-320]),
        (0.5, [HUGE, 1e308], [0.3]),
        (1e308, [10**308, HUGE], [1, 1e307]),
        (1e-300, [1e300, 1, 0.1], [1e-301]),
        (3, [3.0, 3 * 2**70, 3e22], [1e22, 1.5, 2**70]),
        (2**63, [2**64, 0.0], [2**62, 1]),
        (1, [1e308, 2**70], [0.5]),
    ],
)
@pytest.mark.parametrize("kind", [{}, {"type": "number"}, {"type": ["integer", "null", "number"]}])
def test_multiples_are_those_of_the_numbers_as_json_writes_them(step, multiples, others, kind):
    """A price of 19.99 is one of 0.01, and no number is too large to be looked at."""
    check = Check({**kind, "multipleOf": step})
    assert [each for each in multiples if check.problem(each) is not None] == []
    assert [each for each in others if check.problem(each) != f"$: does not fit multipleOf: {step}"] == []
    assert Check({"multipleOf": step}).problem("1") is None


@pytest.mark.parametrize(
    ("values", "is_unique"),
    [
        ([1, True, "1", 0, False, None, "", [], {}], True),
        ([[1], [True], [[1]], {"a": 1}, {"a": True}], True),
        ([{"a": 1, "b": [2.0]}, {"b": [2], "a": 1.0}], False),
        ([-0.0, 0], False),
        ([1e300, int(1e300)], False),
        ([2**53, 2**53 + 1], True),
        ([HUGE, HUGE + 1], True),
        ([{"at": index} for index in range(10_000)], True),
        ([index * (2**61 - 1) for index in range(10_000)], True),
    ],
    ids=range(9),
)
def test_items_are_the_same_as_json_schema_takes_them(values, is_unique):
    """However many they are, and whatever they are made to look like: ten thousand objects take no time."""
    check = Check({"type": "array", "uniqueItems": True})
    assert check.problem(values) == (None if is_unique else "$: the items are not unique")
    assert Check({"uniqueItems": True}).problem(HUGE) is None
    assert Check({"uniqueItems": False}).problem([1, 1]) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "maximum": 5},
        {"type": "number", "maximum": 5.5},
        {"type": "number", "multipleOf": 0.3},
        {"const": 1},
    ],
)
def test_an_integer_that_is_too_long_to_be_written_is_a_problem(schema):
    """Python writes 4,300 digits of an integer, and no message has more."""
    for value in (10**5_000, [10**5_000]):
        assert Check({"anyOf": [schema, {"type": "array", "items": schema}]}).problem(value) is not None
        assert Check({"type": ["array", "number"], "items": schema, **schema}).problem(value) is not None


@pytest.mark.parametrize("word", ["anyOf", "oneOf", "allOf", "if"])
def test_alternatives_that_lead_to_themselves_take_no_longer_for_each_level(word):
    """A message of sixty levels would be looked at 2 to the power of sixty times."""
    options = [{"properties": {"next": {"$ref": "#/$defs/Node"}}, "required": [name]} for name in ("a", "b")]
    node = {word: options} if word != "if" else {"if": options[0], "then": options[0], "else": options[1]}
    check = Check({"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}, {"Node": node})
    wrong: dict[str, object] = {}
    right: dict[str, object] = {"a": 1, "b": 1} if word == "allOf" else {"a": 1}
    end = right
    for _ in range(60):
        wrong, right = {"next": wrong}, {**end, "next": right}
    assert check.problem(right) is None
    assert (check.problem(wrong) or "").startswith("$.next")


def test_what_is_known_of_a_part_is_said_again_with_its_own_path():
    """The same object at two places, and the same reference from two schemas."""
    same = {"n": "a"}
    node = {"not": {"required": ["zzz"]}, "properties": {"n": {"type": "integer"}}}
    check = Check({"allOf": [{"$ref": "#/$defs/Pair"}, {"minProperties": 2}]}, {
        "Pair": {"additionalProperties": {"$ref": "#/$defs/Node"}}, "Node": node,
    })  # fmt: skip
    assert check.problem({"a": {"n": 1}, "b": same, "c": same}) in {
        f"$.{name}.n: expected an integer, got a string" for name in "bc"
    }


def test_a_key_that_is_no_text_is_no_crash():
    """A lone surrogate can stand in a value of Python: what the schema says of it is all that counts here."""
    check = Check(
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}}
    )
    assert check.problem({"\ud800": 1}) is None
    assert check.problem({"\ud800": "b"}) == "$['\\ud800']: expected an integer, got a string"
    assert check.problem({"\ud800": 1, "a": 1}) == "$.a: expected a string, got an integer"


@settings(max_examples=300, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(sorted(FORMATS)),
    st.text(st.sampled_from("0123456789abz-+:./@%{}[]()\\TZ ~#?\u0660\ud800é😀\n\0"), max_size=30)
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{8}Z?)?|P[0-9YMDTHS.]+|[0-9.]{7}|[0-9a-f:]{9}", fullmatch=True)
    | st.integers(),
)
def test_any_value_has_a_format_or_has_it_not(name, value):
    """Nothing that claims to be a date, an address or a pattern ends the check."""
    for kind in ({}, {"type": ["string", "integer"]}):
        problem = Check({**kind, "format": name}, formats=True).problem(value)
        assert problem in (None, f'$: does not fit format: "{name}"')
        assert problem is None or isinstance(value, str)
