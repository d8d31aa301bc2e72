"""Studies: many small trainings that answer one question, with one table and one plot each.

A study publishes nothing, except that a search can publish its best candidate. An interrupted
study continues where it stopped.

    learning_curve.py             how scores change with the number of training instances
    hyperparameter_comparison.py  one hyper-parameter in every variant, all else equal
    search.py                     random search over all hyper-parameters, cross-validated
    cross_validation.py           scores over K folds, for tables beside boosted trees
    boosted_trees.py              scikit-learn's boosted trees on the rows of a table
    plots.py                      one plot for each study
    results.py                    what a study found, as its table and its plot take it
    paired_difference.py          the difference of two models' scores over folds, and its error
    data.py                       the pictures or the table that a study uses
    study_folder.py               the folder of a study: its record, finished runs, table and plot
    ray_workers.py                the runs of a study on the workers of a Ray cluster
    estimator.py                  the networks as scikit-learn estimators
    networks.py                   the networks that studies fit
    folds.py                      folds for cross-validation
    metrics.py                    the metrics of each task
"""
