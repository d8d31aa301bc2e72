"""Clients of other model servers, unmodified, against the real service.

Each folder is a client with an environment of its own: `requirements.in` names it, and
`requirements.txt` locks it. Its tests run in that environment, which knows neither the service nor
our tests, and find the service through environment variables.
"""
