"""What Vitrine runs on a Ray cluster beside the service: scoring of files in parts.

    connection.py  a connection to a cluster, whose nodes then run the code of this checkout
    scoring.py     scores parts on the CPUs of a cluster, with Ray Data

Ray is optional, and has lock files of its own: `make .venv/ray/installed` makes an environment for
a node. Neither `vitrine` nor `service` imports this package; the command `vitrine` hands it to
them. Studies connect to a cluster by it.
"""
