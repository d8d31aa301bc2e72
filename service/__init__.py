"""Serve versioned Keras models over HTTP.

The rooms, from the ground up; each imports only from those before it:

- `errors`, `remote`: what a client can cause or meet; the commands that ask a running service.
- `wishes`: what is wanted of a model, and which versions that makes.
- `bundle`, `settings`: one version on disk; what the environment says.
- `geometry`: pixels to the array a network was trained on.
- `trust`, `drift`: prediction sets, intervals and credibility; whether what comes in has changed.
- `transfer`, `logs`, `worker`: bytes between a client and us; what is written down; the server's
  worker, which keeps slow clients away from its threads.
- `images`, `tables`, `engines`, `sources`: bytes to instances; a saved model file to a callable;
  models from elsewhere to a folder.
- `predictions`, `model`: answers and how far to trust them; one loaded version.
- `repository`, `board`, `shelves`: what is served; where workers agree; where versions come from.
- `explain`, `tallies`: what the model saw and what decided; what came in, counted over all workers.
- `metrics`, `options`, `planner`: what is counted; what a client may ask for; which plan is next.
- `exchange`, `answers`, `shadow`: one request's id, timing and log line; predictions to bytes;
  a version on trial.
- `problems`, `bodies`: what an error looks like; a request's body to instances.
- `prediction`, `fleet`: one request's way from instances to its answer; many workers, one service.
- `api`, `health`, `management`: the routes.
- `app`, `wsgi`, `gunicorn_conf`: composition, and what the server imports.
"""
