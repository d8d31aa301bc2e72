"""The configuration of a plain `gunicorn service.wsgi:app`, the same as that of `vitrine serve`."""

from service.server.gunicorn_conf import *  # noqa: F403 - gunicorn takes what it knows by name
