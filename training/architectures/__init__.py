"""The networks, each a function from shapes to a keras.Model.

Raw levels and raw columns go in, probabilities or values come out: all scaling is inside.
"""
