"""What ends a training with one sentence instead of a traceback."""


class CannotTrain(Exception):
    """Something the person at the terminal can change; the message says what."""
