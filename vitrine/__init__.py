"""Load a bundle and predict with it, in this process."""
