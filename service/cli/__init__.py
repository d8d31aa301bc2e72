"""The commands that are run at a terminal: predict on files, ask a running service."""
