"""Serve versioned Keras models over HTTP.

The rooms, from the ground up; each imports only from those before it:

- `errors`: what a client can cause or meet.
- `bundle`, `settings`: one version on disk; what the environment says.
- `geometry`: pixels to the array a network was trained on.
- `transfer`, `logs`: bytes between a client and us; what is written down.
- `images`, `tables`, `engines`: bytes to instances; a saved model file to a callable.
- `model`, `repository`: one loaded version; all of them.
- `metrics`, `options`: what is counted; what a client may ask for.
- `exchange`, `answers`: one request's id, timing and log line; predictions to bytes.
- `problems`, `bodies`: what an error looks like; a request's body to instances.
- `prediction`: one request's way from instances to its answer.
- `api`, `health`: the routes.
- `app`, `wsgi`, `gunicorn_conf`: composition, and what the server imports.
"""
