"""The service's configuration under gunicorn's gevent worker.

Read by gunicorn before anything else of the service: what is imported unpatched stays so.
"""

from gevent import monkey

monkey.patch_all()

from service.server.gunicorn_conf import *  # noqa: E402, F403

worker_class = "gevent"
