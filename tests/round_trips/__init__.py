"""Logs that the real tools write while the test runs, each in an environment that has them."""
