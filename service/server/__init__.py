"""How gunicorn runs the service, and how a worker serves its connections.

gunicorn_conf.py  gunicorn's configuration: what is shared, and made before the workers are forked
worker.py         one event loop that accepts connections, and threads that run the application
connection.py     one client: what it sends, what it is sent, and how long it may take for each
request.py        one request while it arrives, with a body that a thread may read meanwhile
gateway.py        one request -> a WSGI application, in a thread -> the bytes of its answer
outgoing.py       these bytes on their way from the thread to the loop
wire.py           the head of an answer as bytes
sharing.py        how the workers of one server share its connections
"""
