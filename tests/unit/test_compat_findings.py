"""Whom a change of contract breaks, of any two declarations."""

from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import DEFS, SCHEMAS, VALUES
from support import unique

from microagent import Signal
from microagent.compat.contracts import signal_findings
from microagent.compat.finders import Unaided
from microagent.compat.samples import Samples
from microagent.compat.scopes import Scope
from microagent.sources.parsing import declared_signal

FINDER = Unaided(tries=100)
OBJECTS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("ab"), SCHEMAS, max_size=2)},
    optional={"required": st.sampled_from([["a"], ["c"]]), "additionalProperties": SCHEMAS | st.booleans()},
)
PAYLOADS = OBJECTS | st.lists(OBJECTS, min_size=1, max_size=2).map(lambda parts: {"type": "object", "anyOf": parts})
ARGUMENTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=3)


def problem(declaration, arguments, *, sending):
    """What is wrong with the arguments; nothing is left of it among what is declared."""
    name = unique("signal")
    signal = Signal.admit(name, replace(declaration, name=name))
    try:
        return signal.problem(arguments, sending=sending)
    finally:
        del Signal._register[name]


def are_sent(sender, taker, arguments):
    """Whether a sender may send them, and does so in good faith."""
    scopes = [Scope(each.accepted, each.definitions) for each in (sender, taker)]
    samples = Samples(*scopes, FINDER, good_faith=True)
    return problem(sender, arguments, sending=True) is None and samples.are_sent(
        scopes[0].schema, scopes[1].schema, arguments
    )


def test_whoever_is_not_named_is_not_broken():
    """Where no finding is about senders, receivers by the other declaration take whatever is sent; and vice versa."""
    counted = Counter[bool]()

    @settings(max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(PAYLOADS, PAYLOADS, st.lists(ARGUMENTS, min_size=5, max_size=15))
    def look(was, now, messages):
        old, new = (declared_signal("made_up", payload={**each, "$defs": DEFS}) for each in (was, now))
        found = signal_findings(old, new, FINDER)
        backward, forward = any(each.backward for each in found), any(each.forward for each in found)
        for sender, taker, broken in ((old, new, backward), (new, old, forward)):
            counted[broken] += 1
            for arguments in [] if broken else messages:
                if problem(taker, arguments, sending=False) is not None:
                    assert not are_sent(sender, taker, arguments), (was, now, arguments)

    look()
    assert min(counted.values()) > counted.total() / 10
