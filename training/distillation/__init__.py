"""Train a small network on a table with an ensemble of trees as its teacher.

Trees and nearest neighbours learn a table better than a network does, but are too slow to serve.
So they teach: an ensemble labels many synthetic rows, and a network of a few thousand multiply-adds
learns from these beside the true rows. Labels are values, or probabilities of classes.

    transfer_set.py      all steps: the rows and labels that a network learns from
    feature_plan.py      which features the ensemble gets
    features.py          computes these features
    neighbours.py        what the nearest rows have as values
    boosted_trees.py     CatBoost's trees, also where there is nothing to learn
    ensemble.py          boosted trees, randomised trees and a linear model
    synthetic_rows.py    rows between the true ones
    member_weights.py    how much each member of the ensemble counts

References:
    Bucila, Caruana, Niculescu-Mizil (2006), Model compression, doi:10.1145/1150402.1150464.
    Hinton, Vinyals, Dean (2015), Distilling the knowledge in a neural network, arXiv:1503.02531.
"""
