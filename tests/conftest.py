"""The servers that tests ask for; each is started by the first test that does."""

pytest_plugins = ["servers.rabbitmq", "servers.redis"]
