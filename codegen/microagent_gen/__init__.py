"""Typed Python from declarations of signals and queues: ``microagent-gen``."""
