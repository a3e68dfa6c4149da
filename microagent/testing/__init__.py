"""What tests of agents need: recording ends, agents that stop by themselves, patience, and a clock to move by hand."""

from microagent.testing.clock import Clock
from microagent.testing.patience import until
from microagent.testing.recording import RecordingBroker, RecordingBus
from microagent.testing.sent import Sendings, Sent
from microagent.testing.starting import StartAgent

__all__ = ["Clock", "RecordingBroker", "RecordingBus", "Sendings", "Sent", "StartAgent", "until"]
