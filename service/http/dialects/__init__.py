"""The languages of other model servers, one file each, and our own.

native.py    our own: `/models/NAME/predict`
parts.py     what another language is made of

A language implements `service.http.languages.Language`. It knows how a body is read and an answer
is written, and nothing of limits, keys, queues, metrics and logs.
"""
