"""What all tests have: servers, each started by the first test that asks, the search for passwords, and Ctrl-C."""

import signal

import pytest

pytest_plugins = ["secrecy", "servers.kafka", "servers.peer", "servers.rabbitmq", "servers.redis"]

# Where tests are run in the background of a shell script, SIGINT is ignored, by every program that they start as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured, ``record_property("figures", ...)``, whichever process they ran in."""
    reports = terminalreporter.getreports("passed")
    if figures := [text for report in reports for name, text in report.user_properties if name == "figures"]:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n\n".join(map(str, figures)))
