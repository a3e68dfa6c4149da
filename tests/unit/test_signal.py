"""Signals: declared once, the same object everywhere."""

import copy
import json
import pickle
import threading
from typing import Any
from uuid import uuid4

import pytest

from microagent.errors import ConflictError, DeclarationError
from microagent.signal import Receiver, SerializingError, Signal, SignalException, SignalNotFound
from microagent.sources.parsing import declared_signal, parse


@pytest.fixture
def name() -> str:
    """A name that no other test uses: the register is one for the process."""
    return f"sig_{uuid4().hex}"


def test_the_form_of_the_manual(name: str) -> None:
    """A name and a list of arguments."""
    signal = Signal(name=name, providing_args=["user_id", "text"])
    assert (signal.name, signal.providing_args, signal.type_map) == (name, ["user_id", "text"], None)
    assert repr(signal) == f"Signal(name={name!r}, providing_args=['user_id', 'text'])"


def test_a_signal_may_have_no_arguments(name: str) -> None:
    """``started`` says all by its name."""
    assert Signal(name, []).providing_args == []


def test_types_of_arguments(name: str) -> None:
    """Given as JSON's types, they are Python's in the type map; an argument without one has none."""
    signal = Signal(name, {"uuid": "string", "code": ["number", "null"], "n": "integer", "ids": "array", "o": "object"})
    assert signal.type_map == {
        "uuid": (str,),
        "code": (int, float, type(None)),
        "n": (int,),
        "ids": (list,),
        "o": (dict,),
    }


def test_a_type_map_as_in_1_7(name: str) -> None:
    """Names and, apart from them, Python's types of some."""
    signal = Signal(name, ["uuid", "code", "any"], {"uuid": (str,), "code": (int, float, type(None))})
    assert signal.type_map == {"uuid": (str,), "code": (int, float, type(None))}
    assert signal.providing_args == ["uuid", "code", "any"]
    assert signal is Signal(name, payload={
        "properties": {"uuid": {"type": "string"}, "code": {"type": ["number", "null"]}, "any": {}},
        "required": ["uuid", "code", "any"],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("args", "said", "sentence"),
    [
        ((["user-id"],), {}, "'user-id' cannot be the name of an argument"),
        (({"x": "strin"},), {}, "/providing_args/x: unknown type 'strin', did you mean 'string'?"),
        ((["x"], {"x": (None,)}), {}, "/payload/properties/x/type/0: unknown type 'None'"),
        ((["x"], {"x": (set,)}), {}, "/payload/properties/x/type/0: unknown type 'set'"),
        (("x",), {}, "/providing_args: expected an array or an object, got a string"),
        ((), {"payload": {"properties": {"x": {"type": "strin"}}}}, "/payload/properties/x/type: unknown type 'strin'"),
        ((), {"payload": {"x": {1}}}, "JSON has no set"),
        ((["x"],), {"returns": "strin"}, "/returns: unknown type 'strin', did you mean 'string'?"),
    ],
)
def test_a_mistake_in_python_code_is_told_like_one_in_a_file(
    name: str, args: tuple[Any, ...], said: dict[str, Any], sentence: str
) -> None:
    """With the name of the signal for a place, and nothing is registered."""
    with pytest.raises(DeclarationError) as caught:
        Signal(name, *args, **said)
    assert str(caught.value).startswith(f"signal '{name}'")
    assert sentence in str(caught.value)
    assert name not in Signal.get_all()


@pytest.mark.parametrize("bad", ["Bad", "send", "a b", "__class__", "import"])
def test_a_bad_name_is_refused_however_it_is_declared(bad: str) -> None:
    """Generated modules and hand-written declarations meet the same rule."""
    for said in ({}, {"declared": "{}"}):
        with pytest.raises(DeclarationError, match=bad):
            Signal(bad, **said)


def test_equal_declarations_are_one_object(name: str) -> None:
    """Loaded, generated or written, in either order; descriptions may differ."""
    signal = Signal(name, {"x": "integer"}, description="One.")
    assert Signal(name, {"x": "integer"}, description="Another.") is signal
    assert Signal(name, declared=signal.declaration.structure()) is signal
    assert Signal.get(name) is signal


def test_a_generated_declaration_may_come_first(name: str) -> None:
    """What is loaded or written afterwards gives the same object."""
    declaration = declared_signal(name, {"x": "integer"}, returns="string")
    signal = Signal(name, declared=declaration.structure())
    assert Signal(name, {"x": "integer"}, returns="string") is signal
    assert (signal.fingerprint, signal.returns) == (declaration.fingerprint, {"type": "string"})


def test_a_structure_that_is_written_otherwise_is_compared_by_what_it_says(name: str) -> None:
    """Blanks and order make no conflict."""
    signal = Signal(name, {"x": "integer"})
    text = '{ "payload": {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}} }'
    assert Signal(name, declared=text) is signal


def test_a_conflict_shows_both_definitions(name: str) -> None:
    """And the first one stays."""
    signal = Signal(name, ["x"])
    with pytest.raises(ConflictError) as caught:
        Signal(name, ["y"])
    message = str(caught.value)
    assert message.startswith(f"signal '{name}' is declared twice, differently:\n")
    assert '"required":["x"]' in message
    assert '"required":["y"]' in message
    assert 'ARG_NO_REMOVE: argument "x" is removed\n' in message
    assert 'ARG_NO_ADD_REQUIRED: new required argument "y"' in message
    assert signal.providing_args == ["x"]


def test_a_conflict_that_breaks_nobody_shows_its_place(name: str) -> None:
    """As does one that would take long to explain."""
    Signal(name, payload={"properties": {"x": {}}})
    for more in ({}, {"pattern": "(a+)+$"}):
        with pytest.raises(ConflictError) as caught:
            Signal(name, payload={"properties": {"x": {}, "yz": more}})
        assert str(caught.value).endswith("different at /payload/properties/yz")


def test_conflicts_can_be_decided(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """``keep`` is silent, ``warn`` tells, ``replace`` changes the object that others hold already."""
    signal = Signal(name, ["x"])
    other = declared_signal(name, {"y": "integer"})
    assert signal.problem({"x": 1}, sending=True) is None
    for declared in (other, signal.declaration):
        with pytest.raises(ValueError, match="on_conflict must be error, warn, keep or replace, not 'ignore'"):
            Signal.admit(name, declared, "ignore")
    assert Signal.admit(name, other, "keep") is signal
    assert caplog.text == ""
    assert Signal.admit(name, other, "warn") is signal
    assert "is declared twice, differently" in caplog.text
    assert signal.providing_args == ["x"]
    assert Signal.admit(name, other, "replace") is signal
    assert (signal.providing_args, signal.type_map, signal.fingerprint) == (["y"], {"y": (int,)}, other.fingerprint)
    assert signal.problem({"x": 1}, sending=True) == "$: unknown argument 'x'"


def test_many_threads_get_one_object(name: str) -> None:
    """Whoever comes first, all hold the same."""
    barrier, found = threading.Barrier(8), list[Signal]()

    def declare() -> None:
        barrier.wait()
        found.append(Signal(name, declared='{"payload":{"type":"object"}}'))

    threads = [threading.Thread(target=declare) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(signal) for signal in found}) == 1


def test_get_names_what_is_close(name: str) -> None:
    """An unknown name is an error of several kinds: a lookup, an attribute, a signal that is not found."""
    Signal(name, [])
    with pytest.raises(SignalNotFound, match=f"no signal '{name}x' is declared, did you mean '{name}'"):
        Signal.get(name + "x")
    assert {SignalException, LookupError, AttributeError} <= set(SignalNotFound.__mro__)


def test_get_all_is_a_copy(name: str) -> None:
    """Nobody empties the register by mistake."""
    signal = Signal(name, [])
    everything = Signal.get_all()
    assert everything.pop(name) is signal
    assert Signal.get(name) is signal


def test_a_checker_may_subscribe_the_class() -> None:
    """What a type checker knows as a generic class is the plain one at run time."""
    assert Signal[int, str] is Signal


def test_channels_are_named_after_prefix_signal_and_sender(name: str) -> None:
    """As 1.7 named them."""
    signal = Signal(name, [])
    assert signal.make_channel_name("PUBSUB") == f"PUBSUB:{name}:*"
    assert signal.make_channel_name("PUBSUB", "user_agent") == f"PUBSUB:{name}:user_agent"


def test_serializing(name: str) -> None:
    """Text one way, an object the other; bytes are read too."""
    signal = Signal(name, ["x"])
    assert signal.serialize({"x": [1, "ü"]}) == '{"x":[1,"ü"]}'
    assert signal.encode({"x": "ü"}) == '{"x":"ü"}'.encode()
    assert signal.deserialize('{"x":1}') == signal.decode(b'{"x":1}') == {"x": 1}


@pytest.mark.parametrize(
    ("raw", "reason"), [(b"[]", "a JSON object is expected, not an array"), (b"{", "no readable JSON")]
)
def test_what_is_no_object_cannot_be_deserialized(name: str, raw: bytes, reason: str) -> None:
    """The error names the signal."""
    with pytest.raises(SerializingError, match=f"^signal '{name}': {reason}") as caught:
        Signal(name, []).deserialize(raw)
    assert isinstance(caught.value, SignalException)


def test_what_json_cannot_say_cannot_be_serialized(name: str) -> None:
    """The error names the signal and the place."""
    with pytest.raises(SerializingError, match=rf"^signal '{name}': \$\.x: JSON has no set$"):
        Signal(name, ["x"]).serialize({"x": set()})


def test_a_sender_may_not_send_what_is_not_declared(name: str) -> None:
    """Strict on sending; a receiver takes it, or nobody could ever add an argument."""
    signal = Signal(name, {"user_id": "integer"})
    message = {"user_id": 1, "user_ids": 2}
    assert signal.problem(message, sending=True) == "$: unknown argument 'user_ids', did you mean 'user_id'?"
    assert signal.problem(message, sending=False) is None
    assert signal.problem({"user_id": "x"}, sending=False) == "$.user_id: expected an integer, got a string"
    assert signal.problem({}, sending=True) == "$: 'user_id' is missing"


def test_a_closed_payload_closes_the_sender_alone(name: str) -> None:
    """``additionalProperties: false`` does not make a receiver refuse what a newer sender says."""
    signal = Signal(name, payload={"properties": {"x": {}}, "additionalProperties": False})
    assert signal.problem({"y": 1}, sending=False) is None
    assert signal.problem({"y": 1}, sending=True) == "$: unknown argument 'y'"


def test_a_closed_definition_of_the_file_closes_the_sender_alone(name: str) -> None:
    """A payload that is nothing but a reference is what it refers to."""
    closed = {"type": "object", "properties": {"x": {"type": "integer"}}, "additionalProperties": False}
    document = {"signals": [{"name": name, "payload": {"$ref": "#/$defs/X"}}], "$defs": {"X": closed}}
    signal = Signal.admit(name, parse(json.dumps(document)).signals[0])
    assert signal.providing_args == ["x"]
    assert signal.problem({"x": 1, "y": 1}, sending=False) is None
    assert signal.problem({"x": 1, "y": 1}, sending=True) == "$: unknown argument 'y'"
    assert signal.problem({"x": "1"}, sending=False) == "$.x: expected an integer, got a string"


def test_a_copy_is_the_signal_itself(name: str) -> None:
    """Copied with settings, or pickled for another process, it stays the one of its name."""
    for signal in (Signal(name, ["x"]), Signal(f"{name}_generated", declared='{"payload":{"type":"object"}}')):
        assert copy.copy(signal) is copy.deepcopy([signal])[0] is pickle.loads(pickle.dumps(signal)) is signal


def test_an_open_payload_takes_more(name: str) -> None:
    """``additionalProperties`` says what else may be sent."""
    signal = Signal(name, payload={"properties": {"x": {}}, "additionalProperties": {"type": "string"}})
    assert signal.problem({"x": 1, "y": "a"}, sending=True) is None
    assert signal.problem({"x": 1, "y": 1}, sending=True) == "$.y: expected a string, got an integer"


def test_answers_are_checked_where_they_are_declared(name: str) -> None:
    """A signal that says nothing of its answers takes any."""
    assert Signal(name, []).answer_problem({"any": 1}) is None
    counted = Signal(f"{name}_count", [], returns=["integer", "null"])
    assert counted.answer_problem(5) is None
    assert counted.answer_problem("5") == "$: expected an integer or null, got a string"


def test_a_receiver_is_known_by_class_and_method(name: str) -> None:
    """That is the key of its value in an answer."""

    class UserAgent:
        async def handler(self, **kwargs: Any) -> None: ...

    agent = UserAgent()
    assert Receiver(agent, agent.handler, Signal(name, []), 60).key == "UserAgent.handler"


def test_arguments_that_a_closed_declaration_does_not_know_are_received():
    """Whichever word closes it besides: they cannot be sent, and are delivered."""
    closed = {"properties": {"a": {}}, "additionalProperties": False, "unevaluatedProperties": {"type": "string"}}
    signal = Signal(f"closed_{uuid4().hex}", payload=closed)
    assert signal.problem({"a": 1, "new": 2}, sending=True) is not None
    assert signal.problem({"a": 1, "new": 2}, sending=False) is None
