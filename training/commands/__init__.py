"""The commands of `python -m training`: their options, and what they call.

Each module has a function `add(commands)`, which adds its parsers. The default `run` of a parser
takes the parsed options and the words as typed, and returns the path that was written, or None.

Modules that take seconds to import are imported when a command runs. A command that does not need
TensorFlow sets its default `trains` to False.

    images.py             `images`
    tables.py             `table` and `baseline`
    studies.py            `learning-curve`, `compare`, `search` and `cross-validate`
    importing.py          `import`
    versions.py           `list`, `show` and `diff`
    arguments.py          options that several commands share
    layer_arguments.py    options about the layers of a network and their fit
    column_arguments.py   options about the columns of a table
"""
