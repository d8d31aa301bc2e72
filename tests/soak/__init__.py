"""The promised figures, measured at full size."""
