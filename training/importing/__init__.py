"""Import a network that was saved by another program, and publish it as a bundle.

The saved file is not trusted. Anything in it that could run code, or that names another file, is
refused before a library opens the file.

    bundles.py         all steps: open, read the interface, plan, adapt, compare, publish
    card_limits.py     the limits that the card of an imported network names
    export_failures.py  why a network cannot be exported as ONNX
    made_up_instances.py  instances made by code, for golden answers
    keras_networks.py  a Keras network: its interface, and the adapted network
    keras_fronts.py    what it does to its input first
    keras_graphs.py    its layers connected to other arrays, without networks in it
    keras_replacements.py  what replaces the layers that ONNX lacks
    onnx_networks.py   the interface and the adapted network of a SavedModel, as ONNX
    plans.py           the interface and the options of the user -> how the network is served
    input_columns.py   the columns of such a plan
    predictions.py     the prediction of such a plan
    interfaces.py      what a saved network takes and returns
    options.py         what the user says about a network beyond its file
    keras_files.py     a file of Keras -> a Keras network
    file_kinds.py      what a file or a folder is, by its content
    saved_losses.py    the loss that is saved with a network
    h5_conversion.py   .h5 -> .keras, as a program
    keras_loading.py   a checked configuration with weights -> a Keras network
    keras_configs.py   the layers and functions that a saved configuration may name
    keras2_configs.py  a configuration of Keras 2 -> the same as Keras 3 writes it
    keras2_graphs.py   the graph of such a configuration
    keras2_operations.py  operations of TensorFlow in such a graph
    saved_models.py    a SavedModel -> an ONNX network, without running it
    refusals.py        the refusal of a network: what is wrong, and what to do
    subprocesses.py    a subprocess with limited time and memory, for all of this
"""
