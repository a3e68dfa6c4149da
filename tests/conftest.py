"""The servers that tests ask for; each is started by the first test that does."""

pytest_plugins = ["servers.kafka", "servers.peer", "servers.rabbitmq", "servers.redis"]
