"""Every rule about changes of contract, shown by the strict runtime, by mypy, and by what is bound on RabbitMQ."""

import asyncio
import json
import string
import subprocess
import sys
from collections import defaultdict

import pytest
from contract_cases import BREAKING, HARMLESS, NOTHING
from generating import run, unique, written

from microagent import Queue, Signal
from microagent.compat.contracts import Contract, findings
from microagent.compat.inclusion import Inclusion, Undecided
from microagent.compat.rules import NEVER_BREAKING, PARTIES, RULES
from microagent.compat.samples import Samples
from microagent.compat.scopes import Scope
from microagent.errors import SignalNotFound
from microagent.sources.parsing import parse
from microagent.tools.amqp.topology import Place, Topology
from microagent_gen.searching import finder

DEFS = {"Count": {"type": "integer"}}
CASES = {**BREAKING, **HARMLESS}
ALONE = {  # rules that tests of their own are about
    "SIGNAL_NO_REMOVE", "SIGNAL_NO_RENAME", "SIGNAL_NO_READD", "QUEUE_NO_REMOVE", "QUEUE_NO_RENAME", "QUEUE_NO_READD",
    "EXCHANGE_SAME", "TOPIC_NO_ADD", "TOPIC_NO_REMOVE", "QUORUM_SAME", "CLASS_NO_RENAME", "UNDECIDED",
}  # fmt: skip


def a_contract(entries, kind="signal", reserved=()):
    """What is declared by entries without names, by their names."""
    listed = [{"name": name, **entry} for name, entry in entries.items()]
    declared = parse(json.dumps({f"{kind}s": listed, "$defs": DEFS}), "new.json")
    by_name = {each.name: each for each in getattr(declared, f"{kind}s")}
    return Contract(**{f"{kind}s": by_name}, reserved={kind: frozenset(reserved)})


def found(old, new, kind="signal", name="case", reserved=()):
    return findings(a_contract({name: old}, kind, reserved), a_contract({name: new}, kind, reserved), finder())


def declared(entry, kind):
    """What the runtime makes of an entry, under a name of its own."""
    entry = {key: value for key, value in entry.items() if key != "compat"}
    if kind == "queue":
        return Queue(unique("queue"), **entry)
    listed = parse(json.dumps({"signals": [{"name": unique("signal"), **entry}], "$defs": DEFS})).signals
    return Signal.admit(listed[0].name, listed[0])


# -- the rules


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_is_one_finding_that_says_whom_it_breaks(name):
    """Nothing else is found, and nobody else is named."""
    case = BREAKING[name]
    [finding] = found(case.old, case.new, case.kind)
    assert finding.rule is RULES[case.rule]
    assert set(finding.breaks()) == set(case.breaks.split())
    assert set(finding.breaks()) <= set(finding.rule.breaks)


@pytest.mark.parametrize("name", BREAKING)
def test_whom_it_breaks_is_shown_by_the_runtime(name):
    """A message, or an answer, that one side takes by its declaration is refused by the other's, and only then."""
    case = BREAKING[name]
    old, new = declared(case.before or case.old, case.kind), declared(case.new, case.kind)
    breaks = set(case.breaks.split())
    is_call = case.rule.startswith("RETURNS")
    assert (case.old_message is not NOTHING) == (not is_call and "producers" in breaks)
    assert (case.new_message is not NOTHING) == (not is_call and "consumers" in breaks)
    assert ("backlog" in breaks) <= ("producers" in breaks)
    if case.old_message is not NOTHING:
        assert declared(case.old, case.kind).problem(case.old_message, sending=True) is None
        assert new.problem(case.old_message, sending=False) is not None
    if case.new_message is not NOTHING:
        assert new.problem(case.new_message, sending=True) is None
        assert old.problem(case.new_message, sending=False) is not None


@pytest.mark.parametrize("name", [name for name, case in BREAKING.items() if case.rule.startswith("RETURNS")])
def test_broken_calls_are_shown_by_the_runtime(name):
    """An answer that is right by one declaration is wrong by the other."""
    case = BREAKING[name]
    old, new, breaks = declared(case.old, "signal"), declared(case.new, "signal"), set(case.breaks.split())
    assert (case.old_answer is not NOTHING) == ("consumers" in breaks)
    assert (case.new_answer is not NOTHING) == ("callers" in breaks)
    if case.old_answer is not NOTHING:
        assert (old.answer_problem(case.old_answer), new.answer_problem(case.old_answer) is None) == (None, False)
    if case.new_answer is not NOTHING:
        assert (new.answer_problem(case.new_answer), old.answer_problem(case.new_answer) is None) == (None, False)


def test_every_rule_is_shown():
    """By a case of the table, or by a test below."""
    assert {case.rule for case in BREAKING.values()} == RULES.keys() - ALONE
    shown = {party for case in BREAKING.values() for party in case.breaks.split()}
    assert shown == PARTIES.keys()


# -- what never breaks


@pytest.mark.parametrize("name", HARMLESS)
def test_what_never_breaks_is_no_finding(name):
    """Neither forth nor back; but for the argument that is gone when one goes back."""
    case = HARMLESS[name]
    assert found(case.old, case.new, case.kind) == []
    if case.rule != "optional":
        assert found(case.new, case.old, case.kind) == []


@pytest.mark.parametrize("name", HARMLESS)
def test_what_never_breaks_is_shown_by_the_runtime(name):
    """What hypothesis makes up by one declaration is taken by the other, both ways; wrong values are by neither."""
    case = HARMLESS[name]
    both = [declared(entry, case.kind) for entry in (case.old, case.new)]
    for sender, receiver in (both, reversed(both)):
        scope, other = (Scope(each.declaration.payload, each.declaration.definitions) for each in (sender, receiver))
        samples = Samples(scope, other, finder(), good_faith=True)
        closed = {**scope.schema, "additionalProperties": False}
        fitting = [value for value in finder().values(scope, closed) if scope.accepts(closed, value)]
        sent = [value for value in fitting if samples.are_sent(scope.schema, other.schema, value)]
        assert len(sent) > 3
        for message in sent:
            assert sender.problem(message, sending=True) is None
            assert receiver.problem(message, sending=False) is None
    assert all(each.problem({"a": "wrong"}, sending=False) for each in both)


def test_every_promise_of_harmlessness_is_shown():
    """By at least one case."""
    assert {case.rule for case in HARMLESS.values()} == NEVER_BREAKING.keys()


# -- source

USE = """
from typing import Any, Literal
from microagent import MicroAgent, consumer, receiver
from $contracts import Broker, Bus, queues, signals
import $contracts.signals as signals_of_old


class Agent(MicroAgent[Bus, Broker]):
    async def send(self) -> None:
        $send

    @$decorator($kind.$name)
    async def handle(self, $take**kwargs: object) -> $returned:
        $answer
"""


def use(name, contracts):
    """Code as somebody wrote it for the old declaration, with the handler's **kwargs that let arguments be added."""
    case = CASES[name]
    is_queue = case.kind == "queue"
    send = f"await self.broker.$name.send({case.send})" if is_queue else f"await self.bus.$name.send('me', {case.send})"
    parts = {
        "contracts": contracts,
        "name": name,
        "kind": f"{case.kind}s",
        "decorator": "consumer" if is_queue else "receiver",
        "send": case.read or (send if case.send or not is_queue else "pass"),
        "take": f"{case.take}, " if case.take else "",
        "returned": case.answer[0],
        "answer": case.answer[1],
    }
    return string.Template(string.Template(USE).safe_substitute(parts)).substitute(parts)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """What mypy says of the same code with the contracts of before and of after: files by the name of their case."""
    folder = tmp_path_factory.mktemp("source")
    for side in ("old", "new"):
        document = {"signals": [], "queues": [], "$defs": DEFS}
        for name, case in CASES.items():
            document[f"{case.kind}s"].append({"name": name, **getattr(case, side)})
            (folder / f"{side}_{name}.py").write_text(use(name, f"{side}_contracts"))
        result = run(written(folder, f"{side}.json", document), "-o", folder / f"{side}_contracts")
        assert result.exit_code == 0, result.output
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--no-error-summary", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = defaultdict(list)
    for line in done.stdout.splitlines():
        said[line.partition(".py:")[0]].append(line)
    return said


@pytest.mark.parametrize("name", CASES)
def test_broken_source_is_shown_by_mypy(name, complaints):
    """Code that had no mistake has one with the new contracts if, and only if, it is said that source breaks."""
    assert complaints[f"old_{name}"] == []
    assert bool(complaints[f"new_{name}"]) == ("source" in CASES[name].breaks), complaints[f"new_{name}"]


# -- whole declarations

USER = {"providing_args": {"user_id": "integer"}}


@pytest.mark.parametrize("kind", ["signal", "queue"])
def test_a_declaration_that_is_gone(kind):
    """Everybody who had to do with it is named; nobody can find it any more."""
    entry = {} if kind == "queue" else {**USER, "returns": "integer"}
    [finding] = findings(a_contract({"gone": entry}, kind), a_contract({}, kind))
    assert finding.rule.id == f"{kind.upper()}_NO_REMOVE"
    assert set(finding.breaks()) == set(finding.rule.breaks)
    with pytest.raises(SignalNotFound):
        Signal.get(unique("gone"))


@pytest.mark.parametrize("kind", ["signal", "queue"])
def test_a_declaration_that_looks_renamed(kind):
    """One that is gone, and one of a similar name that declares the same, are one finding."""
    entry = {"queue": {"payload": {"type": "object", "properties": {"a": {"type": "string"}}}}, "signal": USER}[kind]
    [finding] = findings(a_contract({"user_created": entry}, kind), a_contract({"user_was_created": entry}, kind))
    assert finding.rule.id == f"{kind.upper()}_NO_RENAME"
    assert set(finding.breaks()) == set(finding.rule.breaks) - {"callers"}
    unlike = findings(a_contract({"user_created": entry}, kind), a_contract({"order_paid": entry}, kind))
    assert [each.rule.id for each in unlike] == [f"{kind.upper()}_NO_REMOVE"]


@pytest.mark.parametrize("kind", ["signal", "queue"])
def test_a_reserved_name_that_is_declared_again(kind):
    """It was given up for good: what still waits or runs may mean something else by it."""
    entry = {} if kind == "queue" else USER
    [finding] = findings(a_contract({}, kind, {"gone"}), a_contract({"gone": entry}, kind))
    assert finding.rule.id == f"{kind.upper()}_NO_READD"
    assert set(finding.breaks()) == set(finding.rule.breaks)
    assert findings(a_contract({}, kind), a_contract({"gone": entry}, kind)) == []


# -- where messages come from


class Server:
    """RabbitMQ as far as queues and bindings go."""

    def __init__(self):
        self.queues = {}
        self.bindings = set()

    async def ask(self, question):
        return await question(self)

    async def queue_declare(self, name, *, passive=False, durable=True, arguments=None):
        if name not in self.queues:
            if passive:
                raise MissingQueue
            self.queues[name] = arguments

        class Found:
            message_count = 0

        return Found()

    async def exchange_declare(self, name, **options):
        pass

    async def queue_bind(self, queue, exchange, topic):
        self.bindings.add((exchange, topic))


class MissingQueue(Exception):
    pass


def bound(monkeypatch, server, entry, **options):
    """What a consumer that has this declaration makes of the server."""
    monkeypatch.setattr("microagent.tools.amqp.topology.MissingError", MissingQueue)
    declaration = a_contract({"case": entry}, "queue").queues["case"]
    topology = Topology(server, durable=True, quorum=False)
    arguments = {"x-queue-type": "quorum"} if declaration.quorum else {}
    asyncio.run(topology.ensure(Place("case", True, arguments, declaration)))
    return server


def test_another_exchange(monkeypatch):
    """A queue of the one declaration gets nothing of what is sent to the exchange of the other."""
    old, new = {"exchange": "events"}, {"exchange": "audit"}
    [finding] = found(old, new, "queue")
    assert (finding.rule.id, set(finding.breaks())) == ("EXCHANGE_SAME", set(finding.rule.breaks))
    assert {exchange for exchange, _ in bound(monkeypatch, Server(), old).bindings} == {"events"}
    assert {exchange for exchange, _ in bound(monkeypatch, Server(), new).bindings} == {"audit"}


def test_other_topics(monkeypatch):
    """Where one topic is new, consumers of before do not get it; where one is gone, a new server does not bind it."""
    few, many = {"exchange": "e", "topics": ["a.*"]}, {"exchange": "e", "topics": ["b.*", "a.*"]}
    [added], [removed] = found(few, many, "queue"), found(many, few, "queue")
    assert (added.rule.id, added.breaks()) == ("TOPIC_NO_ADD", ("consumers",))
    assert (removed.rule.id, removed.breaks()) == ("TOPIC_NO_REMOVE", ("producers",))
    assert ("e", "b.*") not in bound(monkeypatch, Server(), few).bindings
    assert ("e", "b.*") in bound(monkeypatch, Server(), many).bindings
    [all_of_it] = found(few, {"exchange": "e"}, "queue")
    assert all_of_it.rule.id == "TOPIC_NO_ADD"


def test_another_kind_of_queue(monkeypatch):
    """A queue that is there stays what it is, with all that waits in it."""
    old, new = {"quorum": False}, {"quorum": True}
    [finding] = found(old, new, "queue")
    assert (finding.rule.id, finding.breaks()) == ("QUORUM_SAME", ("backlog",))
    server = bound(monkeypatch, Server(), old)
    assert bound(monkeypatch, server, new).queues == {"case": {}}
    assert bound(monkeypatch, Server(), new).queues == {"case": {"x-queue-type": "quorum"}}


# -- what nobody can tell


def test_what_cannot_be_decided_is_said_to_be_so():
    """Two patterns that mean the same: no proof, and no value that one of them refuses."""
    one, other = "^(a|b)+$", "^[ab]+$"
    old, new = ({"payload": {"properties": {"a": {"type": "string", "pattern": each}}}} for each in (one, other))
    [finding] = found(old, new, "queue")
    assert finding.rule.id == "UNDECIDED"
    assert set(finding.breaks()) == {"producers", "backlog", "consumers"}
    scopes = Scope({"type": "string", "pattern": one}, {}), Scope({"type": "string", "pattern": other}, {})
    verdict = Inclusion(*scopes, finder=finder()).verdict(scopes[0].schema, scopes[1].schema)
    assert isinstance(verdict, Undecided)
    assert verdict.tried > 5


def test_a_counterexample_is_looked_for():
    """Where nothing can be proved, hypothesis finds a text of one pattern that the other refuses."""
    old, new = (
        {"payload": {"properties": {"a": {"type": "string", "pattern": each}}}} for each in ("^a+$", "^a{1,3}$")
    )
    [finding] = [each for each in found(old, new, "queue") if each.rule.id != "UNDECIDED"]
    assert finding.rule.id == "LIMIT_NO_TIGHTEN"
    assert declared(old, "queue").problem({"a": finding.example}) is None
    assert declared(new, "queue").problem({"a": finding.example}) is not None


def test_patterns_are_compared_as_ecma_262_reads_them():
    r"""``\d`` is 0 to 9: an old message with a digit of another script is no longer taken."""
    was, now = (
        {"payload": {"properties": {"a": {"type": "string", "pattern": each}}}} for each in ("^[0\u0663]$", r"^\d$")
    )
    [finding] = [each for each in found(was, now, "queue") if each.rule.id != "LIMIT_NO_LOOSEN"]
    assert finding.example == "\u0663"
    assert found(*[{"payload": {"properties": {"a": {"pattern": r"^\p{L}(?<b>a)$"}}}}] * 2, "queue") == []


@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        ({}, {"format": "date-time"}, "LIMIT_NO_TIGHTEN"),
        ({"format": "uuid"}, {}, "LIMIT_NO_LOOSEN"),
        ({"format": "date"}, {"format": "ipv4"}, "LIMIT_SAME"),
        ({"format": "uri"}, {"format": "uri-reference"}, "LIMIT_NO_LOOSEN"),
        ({"format": "of-our-own"}, {"format": "another"}, None),
        ({"format": "email", "maxLength": 80}, {"maxLength": 80, "format": "email", "title": "Address"}, None),
    ],
)
def test_formats_are_compared_where_they_refuse(was, now, rule):
    """Those that can be checked are limits like others; where nobody asks for them, they tell people something."""
    old, new = (
        a_contract({"case": {"payload": {"properties": {"a": {"type": "string", **each}}}}}, "queue", ())
        for each in (was, now)
    )
    assert [each.rule.id for each in findings(old, new, finder(), formats=True)] == ([rule] if rule else [])
    assert findings(old, new, finder()) == []
