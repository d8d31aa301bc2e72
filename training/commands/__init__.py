"""The commands of `python -m training`: a file for each kind, arguments only.

Each has `add(commands)`, which adds its parsers; a parser's default `run` takes the parsed options
and the words typed and returns what was written, or None. What takes seconds to import is imported
when a command runs; a command that needs no TensorFlow sets its default `trains` to False.
"""
