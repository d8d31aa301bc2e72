"""Requests in, answers out: the routes, what they read and what they write.

app.py           composes the application
transfer.py      receives bodies, and hands answers to the server
context.py       what is known of one request: its id, its times, its log line
languages.py     what a language is: how clients ask for predictions, and how they are answered
dialects/        our own language, and those of other model servers, one file each
predictor.py     what the languages share of a request: its model, its instances, its answer
operations.py    one declaration of a route and of its description
api.py           the ordinary way: Flask's routes of predictions
fast_path.py     the short way of small requests, which the server asks before Flask
batches.py       the instances of several small requests -> one call of the network
reply.py         an answer that is complete
refusals.py      the answers to what the server refuses before any route
content.py       media types of bodies and answers
forms.py         forms -> the pictures or the table in them
inflating.py     compressed bodies -> what is in them, up to a limit
json_bodies.py   JSON bodies -> instances, and what is wrong with their JSON
admission.py     what the server needs to know to decide where and when a request is computed
costs.py         what a request costs, estimated before it is computed
deadlines.py     how long a request may take
json_pieces.py   a large JSON array, parsed a few elements at a time
query.py         the query parameters of a prediction
descriptions.py  the routes that describe models and their drift
report.py        the routes of a version's card, history and plots
welcome.py       what is at `/`: the web page, or what is served, as JSON
page.py          the web page's files, which are in `service/page`, and its language
examples.py      a request to begin with for each model
access.py        the check of API keys
management.py    the routes that change what is served, and who may ask for it
audit.py         a record in the log for each such change
health.py        the routes of probes and metrics
security_headers.py  what browsers and caches are told of every answer
cors.py          which web pages of other origins may read the answers
problems.py      any exception -> the body of an error
"""
