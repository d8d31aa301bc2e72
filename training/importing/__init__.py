"""A network that somebody else saved -> a bundle.

Such a file is a stranger's: whatever in it could run code, or name a file, is refused before any
library opens it.

- `configs`: the layers that a saved configuration may name.
- `files`: `.keras` and `.h5` -> a Keras model. `legacy`: what reads `.h5`.
- `apart`: a process of its own with little time and memory, for all of it.
- `graphs`: a SavedModel -> ONNX, without running it.
- `plans`: a network's tensors, and what a person says of them -> the signature.
- `networks`: a Keras model that takes and gives what the signature says. `nodes`: the same in ONNX.
- `bundles`: all of it, published.
"""
