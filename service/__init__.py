"""Serve versioned Keras models over HTTP.

The rooms, from the ground up; each imports only from those before it:

- `errors`: what a client can cause or meet.
- `bundle`, `settings`: one version on disk; what the environment says.
- `geometry`: pixels to the array a network was trained on.
- `images`, `tables`, `engines`: bytes to instances; a saved model file to a callable.
- `model`, `repository`: one loaded version; all of them.
- `metrics`, `problems`: what is counted; what an error looks like.
- `api`, `health`: the routes.
- `app`, `wsgi`, `gunicorn_conf`: composition, and what the server imports.
"""
