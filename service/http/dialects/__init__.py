"""The languages of other model servers, a file or a folder each, and our own.

native.py             our own: `/models/NAME/predict`
tensorflow_serving/   `/v1`: TensorFlow Serving's, and KServe's protocol v1
open_inference/       `/v2`: the Open Inference Protocol
invocations/          `/invocations`: MLflow's, SageMaker's and Vertex AI's
parts.py              what another language is made of

A language implements `service.http.languages.Language`. It knows how a body is read and an answer
is written, and nothing of limits, keys, queues, metrics and logs.
"""
