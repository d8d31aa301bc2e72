"""Publish a trained network as the next version of a model.

    draft.py         the folder that becomes a version, or disappears
    acceptance.py    what a network must score to be published
    comparison.py    a version beside the one that answered by default before it
    report.py        what is told of a version that has just been published
    requests.py      a request that a version answers, as a command to type
    onnx_export.py   the network as Keras' own file and as ONNX
    onnx_fixes.py    operations of tf2onnx that ONNX does not have
    onnx_indices.py  operations around look-ups that ONNX does not need
    onnx_optimisation.py  operations that can be saved once
    verification.py  golden examples, and the exported file compared with Keras
    batching.py      how a network gains from several instances in one call
    mlmodel.py       the file that makes a bundle a model of MLflow, too
    manifest.py      everything that is known of a version -> its manifest
    origin.py        how a version was made

A folder that has not been renamed is not a version: nobody ever sees a half-made one.
"""
