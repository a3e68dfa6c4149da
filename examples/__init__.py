"""The manual's three agents, in typed Python."""
