"""The commands that are run at a terminal: predict on a file, ask a running service."""
