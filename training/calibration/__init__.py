"""What is learned from the calibration part, and how well it holds on other data.

    temperature.py  the number that logits are divided by, so that probabilities mean what they say
    reliability.py  how often the most probable label is right, by its probability
    coverage.py     how often prediction sets and intervals hold the truth
    prototypes.py   typical features of each class, from which novelty is measured
    scores.py       calibration scores as the manifest holds them

It needs NumPy, SciPy and scikit-learn only; it knows nothing of Keras, files or plots.
"""
