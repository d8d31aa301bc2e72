"""Train networks offline and publish them as bundles under `models/`.

    __main__.py       the commands, composed
    commands/         their arguments
    datasets/         named picture sets and CSV files: found or downloaded, verified, split by seed
    columns.py        what each column of a table is: number, date, category, identifier, leak
    strokes.py        digits drawn by code, for golden examples
    augmentation.py   pictures warped and inked anew for each epoch
    penmanship.py     strokes that other schools teach
    architectures/    the networks, each a function from shapes to a keras.Model
    fitting.py        hyper-parameters of a fit, and what watches over it
    embeddings.py     what a table's network does with its columns before its hidden layers
    distillation.py   an ensemble of trees that teaches a table's network
    strangers.py      pictures that belong to no set, to see whether a network finds them strange
    experiments/      read top to bottom: config, data, model, fit, evaluate, calibrate, publish
    comparison.py     the table network beside CatBoost's defaults
    studies/          learning curves, comparisons, random search, cross-validation
    evaluation.py     scores, reference distributions, multiply-adds
    calibration.py    temperature, prototypes, and how well sets and intervals hold on other data
    plots.py          pictures of all that, in one look.py
    publishing.py     the bundle: export, compare, card, manifest, rename into place

Training may import the service up to its repository; the service never imports training.
"""
