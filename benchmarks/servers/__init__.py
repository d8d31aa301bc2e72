"""The web servers that the service could stand on, side by side: `python -m benchmarks.servers`.

Every candidate serves the same application with two workers, and is asked and mistreated in the
same way. Rooms, each importing only those below it:

- `__main__`: what is run, and where the figures go.
- `hazards`, `signals`, `streaming`, `throughput`: one kind of measurement each.
- `load`: the normal load, and what came of it; `holders`: clients that misbehave.
- `candidates`: how each server is started; `processes`: what its processes use.
- `models`: the folder of models that is served; `client`: the load's own process.

`gevent_conf`, `asgi_conf` and `asgi_app` are read by candidates, never by the measurements.
"""
