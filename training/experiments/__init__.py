"""One file a kind of experiment, each read from top to bottom."""
