"""How gunicorn runs the service: its configuration, and the worker that receives requests."""
