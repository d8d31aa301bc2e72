"""Train networks offline and publish them as bundles under `models/`.

    __main__.py       the entry: `python -m training`
    commands/         the commands: their options, and what they call
    datasets/         pictures and tables: found or downloaded, verified, read, split by seed
    drawing/          pictures drawn by code, for golden examples
    augmentation/     pictures changed anew in each epoch
    architectures/    the networks, each a function from shapes to a keras.Model
    distillation/     an ensemble of trees that teaches a table's network
    fitting.py        hyper-parameters of a fit, and its callbacks between epochs
    outcomes/         all that follows from what a table predicts: a value, a label, several labels
    experiments/      read top to bottom: config, data, model, fit, evaluate, calibrate, publish
    importing/        networks that were saved elsewhere, opened without running code in them
    catboost_comparison.py  the scores of a table network beside those of CatBoost
    studies/          learning curves, comparisons, random search, cross-validation, and their plots
    evaluation/       scores, reference distributions, multiply-adds
    calibration/      temperature, prototypes, and how well sets and intervals hold on other data
    history.py        what was measured after each epoch
    formatting.py     numbers as people read them
    plots/            the plots of the model cards, and the style of all plots
    cards/            the model card: templates of its prose, and its tables
    publishing/       the bundle: export, verify, manifest, rename into place
    versions/         published versions: listed, shown, and compared with each other
    epoch_display.py  the epochs of a fit on the terminal
    progress.py       what is being done, and how long it still takes
    interruption.py   Ctrl-C and TERM, kept even where a library catches the exception
    errors.py         the error that ends a command with one sentence

Training imports `vitrine` and never `service`.
"""
