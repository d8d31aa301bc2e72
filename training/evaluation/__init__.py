"""What a trained network is worth, what it costs, and what it was trained on.

advantage.py      a network beside one constant answer
scores.py         accuracy, log loss, areas under curves, RMSE, R2
references.py     reference distributions of inputs and predictions, for drift
multiply_adds.py  multiplications that one instance costs
"""
