"""The strict runtime, and jsonschema: whatever the schema and the value, both say the same."""

from collections import Counter
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators
from made_up import DEFS, EDGY_SCHEMAS, EDGY_VALUES, SCHEMAS, VALUES

from microagent.declarations import queue_from
from microagent.schemas.validation import Check
from microagent.sources.parsing import declared_queue


def _multiple_of(judge, step, value, _):
    """jsonschema divides floats, for which 0.3 is no multiple of 0.1, and some integers are too large."""
    if judge.is_type(value, "number") and Fraction(str(value)) % Fraction(str(step)) != 0:
        yield ValidationError("it is not")


JSON_SCHEMA = validators.extend(Draft202012Validator, {"multipleOf": _multiple_of})


def test_a_value_fits_for_the_runtime_if_it_fits_for_jsonschema():
    """Any schema, any value; and the values are such that both answers are frequent."""
    counted = Counter[bool]()

    @settings(max_examples=450, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(SCHEMAS | EDGY_SCHEMAS, st.lists(VALUES | EDGY_VALUES, min_size=5, max_size=20))
    def look(schema, values):
        check = Check(schema, DEFS)
        reference = JSON_SCHEMA({"allOf": [schema], "$defs": DEFS})
        for value in values:
            fits = reference.is_valid(value)
            counted[fits] += 1
            assert (check.problem(value) is None) == fits, (schema, value, check.problem(value))

    look()
    assert min(counted.values()) > counted.total() / 10


@settings(max_examples=200, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(SCHEMAS, st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3))
def test_what_is_loaded_and_what_was_generated_judge_alike(schema, message):
    """A declaration, and the one that is made from its structure as a generated module does, have the same verdicts."""
    payload = {"type": "object", "properties": {"a": schema}, "required": ["a"], "$defs": DEFS}
    loaded = declared_queue("made_up", payload=payload)
    generated = queue_from("made_up", loaded.structure())
    assert generated.structure() == loaded.structure()
    assert generated.fingerprint == loaded.fingerprint
    verdicts = [Check(each.payload, each.definitions, payload=True).problem(message) for each in (loaded, generated)]
    assert (verdicts[0] is None) == (verdicts[1] is None)
    assert (verdicts[0] is None) == Draft202012Validator(payload).is_valid(message)
