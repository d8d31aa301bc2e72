"""`learning-curve`, `compare`, `search` and `cross-validate`: the studies."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.arguments import (
    Commands,
    HelpFormatter,
    add_picture_options,
    add_publishing_options,
    example,
    positive_int,
    recorded_command,
    seed,
)
from training.commands.column_arguments import add_column_options, read_overrides
from training.commands.layer_arguments import (
    add_layer_options,
    is_stated,
    read_fitting,
    read_hidden,
    read_plain_network,
)
from training.datasets.cache import default_cache
from training.errors import CannotTrain

if TYPE_CHECKING:
    from training.experiments import tables
    from training.studies.data import DataSelection, StudyData
    from training.studies.results import Candidate
    from training.studies.study_folder import MakeRuns

# This set comes with scikit-learn, so nothing is downloaded.
_DEFAULT = "digits8x8"
# These numbers of epochs are enough for a few hundred instances.
_COMPARED_EPOCHS = 20
_CURVE_EPOCHS = 100
_FOLD_EPOCHS = 20
# What `compare` varies, with the option that states it elsewhere.
_CHOICES = {
    "activations": "activation",
    "batch-sizes": "batch_size",
    "batch-normalization": "batch_normalization",
    "dropout": "dropout",
    "optimizers": "optimizer",
}


def add(commands: Commands) -> None:
    """Add the commands."""
    _add_learning_curve(commands)
    _add_compare(commands)
    _add_search(commands)
    _add_cross_validate(commands)


def _add_learning_curve(commands: Commands) -> None:
    command = _study(
        commands,
        "learning-curve",
        "score networks that are trained on more and more instances",
        example_words="wine",
    )
    _add_data(command)
    command.set_defaults(run=_run_learning_curve)
    command.add_argument(
        "--sizes",
        nargs="+",
        type=positive_int,
        metavar="N",
        help="numbers of training instances; by default, eight numbers up to all instances, each "
        "larger by the same factor",
    )
    command.add_argument(
        "--repeats",
        type=positive_int,
        default=3,
        metavar="N",
        help="number of random subsets of each size",
    )
    command.add_argument(
        "--part",
        choices=["validation", "test"],
        default="validation",
        help="part to score beside the training instances; use the test part once, when all else "
        "is decided",
    )
    command.add_argument(
        "--patience",
        type=positive_int,
        default=10,
        metavar="N",
        help="number of epochs without a smaller validation loss before training stops",
    )
    _add_network(command, epochs=_CURVE_EPOCHS)


def _add_compare(commands: Commands) -> None:
    command = _study(
        commands,
        "compare",
        "compare all variants of one hyper-parameter, all else equal",
        example_words="activations digits8x8",
    )
    command.set_defaults(run=_run_compare)
    command.add_argument("choice", choices=_CHOICES, help="hyper-parameter to vary")
    _add_data(command)
    _add_network(command, epochs=_COMPARED_EPOCHS)


def _add_search(commands: Commands) -> None:
    command = _study(
        commands,
        "search",
        "search hyper-parameters at random, with cross-validation",
        example_words="diabetes --iterations 10 --publish sugar",
    )
    command.set_defaults(run=_run_search)
    _add_data(command)
    command.add_argument(
        "--iterations", type=positive_int, default=20, metavar="N", help="number of candidates"
    )
    command.add_argument("--folds", type=_several, default=3, metavar="N", help="number of folds")
    command.add_argument(
        "--epochs",
        type=positive_int,
        default=80,
        metavar="N",
        help="largest number of epochs; a candidate has all, a half, a quarter or an eighth of "
        "them",
    )
    command.add_argument(
        "--publish",
        metavar="NAME",
        help="train the best candidate in full, and publish it as this model",
    )
    add_publishing_options(command)


def _add_cross_validate(commands: Commands) -> None:
    command = _study(
        commands,
        "cross-validate",
        "score a network in K folds, beside scikit-learn's boosted trees for a table",
        example_words="wine --hidden 16 16",
    )
    command.set_defaults(run=_run_cross_validate)
    _add_data(command)
    command.add_argument("--folds", type=_several, default=5, metavar="N", help="number of folds")
    _add_network(command, epochs=None)


def _study(
    commands: Commands, name: str, text: str, *, example_words: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=text,
        description=f"{text[:1].upper()}{text[1:]}. The result is one table and one plot. An "
        "interrupted study continues with the same command.",
        formatter_class=HelpFormatter,
        epilog=example(example_words),
    )
    command.add_argument("--seed", type=seed, default=0, help="seed of every random choice")
    command.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of the study; by default, studies/STUDY-DATA",
    )
    command.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="Ray cluster that makes the runs: host:port of its head node, or auto for the cluster "
        "of this machine; without this option, they are made here",
    )
    return command


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "set",
        nargs="?",
        default=_DEFAULT,
        metavar="DATA",
        help="a picture set by its name, a folder with one sub-folder for each class, a CSV file, "
        "or diabetes, wine or breast_cancer, which come with scikit-learn",
    )
    add_picture_options(command)
    add_column_options(command)


def _add_network(command: argparse.ArgumentParser, *, epochs: int | None) -> None:
    add_layer_options(
        command, "the layers of a multilayer perceptron; by default, two hidden layers of 64 units"
    )
    command.add_argument(
        "--epochs", type=positive_int, default=epochs, metavar="N", help="largest number of epochs"
    )


def _several(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"must be at least 2, not {text}")
    return number


def _data_selection(options: argparse.Namespace) -> "DataSelection":
    from training.studies.data import DataSelection  # noqa: PLC0415

    selection = DataSelection(
        data=options.set,
        targets=tuple(options.target),
        task=options.task,
        overrides=read_overrides(options),
        folder=options.data,
        size=options.size,
        limit=options.limit,
        seed=options.seed,
    )
    selection.refuse_options_of_other_data()
    return selection


def _tell_of_large_batch(options: argparse.Namespace, data: "StudyData") -> None:
    if options.batch_size is not None and options.batch_size > len(data.train):
        print(
            f"Each step has all {len(data.train):,} training instances: a batch of "
            f"{options.batch_size:,} is more."
        )


def _out(options: argparse.Namespace, study: str, selection: "DataSelection") -> Path:
    out: Path = options.out or Path("studies") / f"{study}-{selection.name}"
    return out


def _make_runs(options: argparse.Namespace) -> "MakeRuns":
    from training.studies import ray_workers, study_folder  # noqa: PLC0415 - bring in scikit-learn

    return ray_workers.on_cluster(options.ray) if options.ray else study_folder.one_by_one


def _run_learning_curve(options: argparse.Namespace, words: list[str]) -> Path:
    from training.studies import learning_curve  # noqa: PLC0415 - brings in TensorFlow
    from training.studies.data import load_study_data  # noqa: PLC0415

    selection = _data_selection(options)
    config = learning_curve.LearningCurveConfig(
        command=recorded_command(words),
        out=_out(options, "learning-curve", selection),
        seed=options.seed,
        make_runs=_make_runs(options),
        hidden=read_hidden(options),
        fitting=read_fitting(options, epochs=_CURVE_EPOCHS),
        patience=options.patience,
        sizes=tuple(options.sizes) if options.sizes else None,
        repeats=options.repeats,
        part=options.part,
    )
    data = load_study_data(selection)
    _tell_of_large_batch(options, data)
    return learning_curve.run(data, config)


def _run_compare(options: argparse.Namespace, words: list[str]) -> Path:
    from training.studies import hyperparameter_comparison  # noqa: PLC0415 - brings in TensorFlow
    from training.studies.data import load_study_data  # noqa: PLC0415

    _refuse_varied_option(options)
    selection = _data_selection(options)
    config = hyperparameter_comparison.ComparisonConfig(
        choice=options.choice,
        command=recorded_command(words),
        out=_out(options, f"compare-{options.choice}", selection),
        seed=options.seed,
        make_runs=_make_runs(options),
        hidden=read_hidden(options),
        fitting=read_fitting(options, epochs=_COMPARED_EPOCHS),
        rate_given=options.learning_rate is not None,
    )
    data = load_study_data(selection)
    _tell_of_large_batch(options, data)
    return hyperparameter_comparison.run(data, config)


def _refuse_varied_option(options: argparse.Namespace) -> None:
    name = _CHOICES[options.choice]
    if is_stated(options, name):
        raise CannotTrain(
            f"`compare {options.choice}` tries every value itself: leave out "
            f"--{name.replace('_', '-')}."
        )


def _run_search(options: argparse.Namespace, words: list[str]) -> Path:
    from training.studies import search  # noqa: PLC0415 - brings in TensorFlow
    from training.studies.data import load_study_data  # noqa: PLC0415

    selection = _data_selection(options)
    config = search.SearchConfig(
        command=recorded_command(words),
        out=_out(options, "search", selection),
        seed=options.seed,
        make_runs=_make_runs(options),
        iterations=options.iterations,
        folds=options.folds,
        epochs=options.epochs,
    )
    folder, best = search.run(load_study_data(selection), config)
    if options.publish is None:
        return folder
    return _publish(best, selection, options, words)


def _publish(
    best: "Candidate", selection: "DataSelection", options: argparse.Namespace, words: list[str]
) -> Path:
    from training.experiments import pictures, tables  # noqa: PLC0415 - bring in TensorFlow

    if selection.has_pictures:
        return pictures.train(
            pictures.PictureConfig(
                pictures=selection.pictures,
                name=options.publish,
                models=options.models,
                min_score=options.min_score,
                force=options.force,
                command=recorded_command(words),
                data=selection.folder,
                architecture="mlp",
                hidden=best.hidden,
                fitting=best.fitting,
                seed=options.seed,
                limit=selection.limit,
                plots=default_cache() / options.publish,
            )
        )
    file, targets = selection.find_table()
    plain = tables.PlainNetwork(hidden=best.hidden, fitting=best.fitting)
    return tables.train(
        tables.TableConfig(
            file=file,
            targets=targets,
            command=recorded_command(words),
            task=selection.task,
            name=options.publish,
            models=options.models,
            min_score=options.min_score,
            force=options.force,
            overrides=selection.overrides,
            seed=options.seed,
            learning=tables.LearningConfig(plain=plain),
        )
    )


def _run_cross_validate(options: argparse.Namespace, words: list[str]) -> Path:
    from training.studies import cross_validation  # noqa: PLC0415 - brings in TensorFlow
    from training.studies.data import load_study_data  # noqa: PLC0415

    selection = _data_selection(options)
    config = cross_validation.CrossValidationConfig(
        command=recorded_command(words),
        out=_out(options, "cross-validate", selection),
        seed=options.seed,
        make_runs=_make_runs(options),
        folds=options.folds,
    )
    if selection.has_pictures:
        data = load_study_data(selection)
        _tell_of_large_batch(options, data)
        return cross_validation.run_on_pictures(
            data,
            read_hidden(options),
            read_fitting(options, epochs=_FOLD_EPOCHS),
            config,
        )
    return cross_validation.run_on_table(selection, _learning(options), config)


def _learning(options: argparse.Namespace) -> "tables.LearningConfig":
    """Return how the command `table` would train a network with these options."""
    from training.experiments import tables  # noqa: PLC0415 - brings in TensorFlow

    plain = read_plain_network(options)
    if plain is not None:
        return tables.LearningConfig(plain=plain)
    recipe = tables.TableRecipe()
    return tables.LearningConfig(recipe=replace(recipe, epochs=options.epochs or recipe.epochs))
