"""What a plain `gunicorn service.wsgi:app` reads when it is started here: the same as `serve`."""

from service.server.gunicorn_conf import *  # noqa: F403 - gunicorn takes what it knows by name
