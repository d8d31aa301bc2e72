"""Train networks offline and publish them as bundles under `models/`.

    __main__.py       the commands, composed
    commands/         their arguments
    datasets/         pictures and CSV files: found or downloaded, verified, split by seed
    columns.py        what each column of a table is: number, date, category, identifier, leak
    drawing/          pictures drawn by code, for golden examples
    augmentation/     pictures changed anew in each epoch
    architectures/    the networks, each a function from shapes to a keras.Model
    embeddings.py     what a table's network does with its columns before its hidden layers
    distillation.py   an ensemble of trees that teaches a table's network
    fitting.py        hyper-parameters of a fit, and its callbacks between epochs
    outcomes/         all that follows from what a table predicts: a value, a label, several labels
    experiments/      read top to bottom: config, data, model, fit, evaluate, calibrate, publish
    importing/        networks that were trained elsewhere, opened without running what is in them
    comparison.py     the table network beside CatBoost's defaults
    studies/          learning curves, comparisons, random search, cross-validation
    evaluation/       scores, reference distributions, multiply-adds
    calibration/      temperature, prototypes, and how well sets and intervals hold on other data
    history.py        what was measured after each epoch
    formatting.py     numbers as people read them
    plots/            the plots of the model cards and of the studies
    card.py           the model card
    publishing.py     the bundle: export, compare, card, manifest, rename into place
    catalogue.py      what has been published: all versions, or one with an answer that it gives
    differences.py    two versions side by side, on the same instances
    progress.py       what the person at the terminal sees while a network learns
    interruption.py   Ctrl-C and TERM, kept where a library would swallow them
    errors.py         what ends a training with one sentence

Training may import the service up to its repository; the service never imports training.
"""
