"""The error that ends a command with one sentence instead of a traceback."""


class CannotTrain(Exception):
    """Something is wrong that the user can change; the message says what."""
