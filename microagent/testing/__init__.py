"""Tools for tests of agents: a bus and a broker that record, agents that are stopped after the test, a manual clock."""

from microagent.testing.clock import Clock
from microagent.testing.recording import RecordingBroker, RecordingBus
from microagent.testing.sent import Sent, SentMessages, SentPayloads
from microagent.testing.starting import StartAgent
from microagent.testing.waiting import until

__all__ = ["Clock", "RecordingBroker", "RecordingBus", "Sent", "SentMessages", "SentPayloads", "StartAgent", "until"]
