"""The Open Inference Protocol: `/v2`.

language.py     how predictions are asked for and answered, and how errors are told
routes.py       health, metadata, configuration, statistics, the repository
messages.py     the JSON of a request
tensors.py      the tensors of a request, and tensors as bytes
json_data.py    the data of a tensor as JSON
datatypes.py    the datatypes of tensors
inputs.py       tensors -> instances of a model
outputs.py      predictions -> tensors
descriptions.py what the routes take and give, for the description of the service
metadata.py     what a model takes and gives, in the words of the protocol
statistics.py   what was counted of each version, in all workers
compression.py  gzip and deflate

References:
    KServe, Open Inference Protocol, version 2: REST. NVIDIA Triton's extensions: binary tensor
    data, classification, model configuration, model repository, statistics.
"""
