"""The servers that tests ask for, each started by the first test that does; and Ctrl-C, for the programs they start."""

import signal

pytest_plugins = ["servers.kafka", "servers.peer", "servers.rabbitmq", "servers.redis"]

# Where tests are run in the background of a shell script, SIGINT is ignored, by every program that they start as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
