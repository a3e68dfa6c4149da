"""What all tests have: servers, each started by the first test that asks, the search for passwords, and Ctrl-C."""

import signal

pytest_plugins = ["secrecy", "servers.kafka", "servers.peer", "servers.rabbitmq", "servers.redis"]

# Where tests are run in the background of a shell script, SIGINT is ignored, by every program that they start as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
