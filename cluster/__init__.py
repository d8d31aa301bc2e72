"""What Vitrine runs on a Ray cluster beside the service: scoring of files in parts.

Ray is optional, and has lock files of its own: `make .venv/ray/installed` makes an environment for
a node. Neither `vitrine` nor `service` imports this package; the command `vitrine` hands it to
them.
"""
