"""Serve published models over HTTP.

The rooms, from the ground up; each imports only from those before it:

- `errors`, `version_policy`, `cors_origins`, `reverse_proxies`, `keys`: what a client can cause;
  which versions of a model are served; which web pages may read answers; which proxies are
  believed; who has an API key.
- `rates`: how often each key may ask, over all workers.
- `settings`: what the environment says, read once.
- `rollout`: which versions every worker serves, and how all come to serve them at one moment.
- `telemetry`: what is counted, timed and logged.
- `admission`: who may compute now.
- `http`: requests in, answers out.
- `server`, `cli`: gunicorn's configuration and worker, which serves connections; the commands at a
  terminal.
- `wsgi`, `__main__`: the application that the server imports; the commands, composed.

`page` holds no Python, but what a browser is sent: the files of the web page.

`ARCHITECTURE.md` follows a picture, a table and a new version through them.
"""
