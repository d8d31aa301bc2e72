"""Published versions: listed, shown, and compared with each other.

Nothing here needs TensorFlow, except a version that only TensorFlow can run.

    listing.py     a line for every published version
    showing.py     the card of a version, and one of its predictions
    diff.py        two versions of a model side by side
    held_out.py    instances that neither of two versions was trained on
    scores.py      scores of two versions on the same instances, and how their predictions differ
    published.py   a published version, loaded as the service loads it
"""
