"""The REST language of TensorFlow Serving, which KServe's protocol v1 shares.

language.py     paths, predictions and errors
states.py       the routes that tell what is served, and of which tensors
paths.py        which paths there are, and what is said of all others
documents.py    body -> the members of its JSON, or what is wrong with them in that server's words
strict_json.py  large bodies that are not quite JSON -> JSON
inputs.py       members -> instances
outputs.py      predictions -> JSON, with numbers as that server writes them
descriptions.py what the routes take and give, for OpenAPI
signatures.py   the signatures of a model: their names, their inputs, their outputs

References:
    TensorFlow Serving, RESTful API (g3doc/api_rest.md), and the server that implements it.
"""
