"""The service as an ASGI application: the lane from an event loop to threads is a2wsgi's."""

from a2wsgi import WSGIMiddleware

from service.wsgi import app as flask

THREADS = 16

app = WSGIMiddleware(flask, workers=THREADS)
