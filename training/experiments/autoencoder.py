"""Pictures reconstructed, to detect anomalies: fit, evaluate, calibrate, publish.

Config and data are those of the classifiers of pictures; the labels are not used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from training.architectures.autoencoder import autoencoder, without_reconstruction
from training.calibration.scores import ascending
from training.cards.advantage import advantage_text
from training.cards.card import write_card
from training.cards.markdown import table
from training.cards.templates import fill
from training.datasets.picture_data import Pixels, fit_pictures
from training.datasets.pictures import PictureParts
from training.drawing.letters import draw_letters
from training.drawing.out_of_distribution import out_of_distribution_pictures
from training.errors import CannotTrain
from training.evaluation.advantage import Advantage, pictures_advantage
from training.evaluation.references import picture_references
from training.evaluation.scores import Values
from training.experiments.pictures.card import fit_text
from training.experiments.pictures.config import PictureConfig, with_enough_steps
from training.experiments.pictures.data import read
from training.experiments.pictures.evaluate import DOUBT, doubted_share
from training.experiments.pictures.fit import run_fit
from training.experiments.pictures.plots import find_example
from training.experiments.pictures.publish import picture_input, picture_origin
from training.history import History, write_history
from training.plots.anomaly_scores import plot_anomaly_scores
from training.plots.credibility import plot_credibility
from training.plots.history import plot_history
from training.plots.reconstructions import plot_reconstructions
from training.progress import stretch
from training.publishing.acceptance import require_advantage, require_score
from training.publishing.draft import Draft
from training.publishing.manifest import Description, build_manifest, count_parameters
from training.publishing.report import print_report
from training.publishing.verification import export_and_verify, write_golden_examples
from vitrine import bundle
from vitrine.bundle import Calibration
from vitrine.signature import AnomalyOutput, Signature
from vitrine.trust import p_values

# Number of pictures in a row of the plot of reconstructions.
_SHOWN = 10
_PREDICTED_AT_ONCE = 1000


def train(config: PictureConfig) -> Path:
    """Train an autoencoder and publish it.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The data cannot be had, or the result is not good enough.
    """
    keras.utils.set_random_seed(config.seed)
    with Draft(config.models, config.name) as draft:
        parts = read(config)
        _require_calibration(parts)
        config = with_enough_steps(config, len(parts.train))
        network = autoencoder(parts.train.x.shape[1:])
        history = fit(network, parts, config)
        with stretch("Calibrating and scoring"):
            scores = score_all(without_reconstruction(network), parts, config)
        folder = publish(draft, network, history, parts, scores, config)
    print_report(folder, find_example(parts, config))
    return folder


def _require_calibration(parts: PictureParts) -> None:
    if not len(parts.calibration):
        raise CannotTrain(
            "An autoencoder needs 300 pictures besides the test part, so that some can calibrate "
            f"it. Received: {len(parts.train)} to train and {len(parts.validation)} to validate."
        )


def fit(network: keras.Model, parts: PictureParts, config: PictureConfig) -> History:
    """Fit the network so that its own anomaly scores become small.

    Returns:
        The mean score of training and validation by epoch, as their loss.
    """
    learner = without_reconstruction(network)
    learner.compile(loss=_score_itself, **config.recipe.compile_options(len(parts.train)))
    (training, targets), validation = (
        ({"image": part.x}, np.zeros((len(part), 1), dtype=np.float32))
        for part in (parts.train, parts.validation)
    )
    data = {"x": training, "y": targets, "batch_size": config.recipe.batch_size}
    return run_fit(learner, data, validation, config)


def _score_itself(_targets: keras.KerasTensor, scores: keras.KerasTensor) -> keras.KerasTensor:
    return scores


def score(network: keras.Model, pixels: Pixels) -> Values:
    """Return the anomaly score of each picture: how badly it is reconstructed.

    Shapes:
        pixels: (n, height, width, channels); result: (n,).
    """
    outputs = network.predict({"image": pixels}, batch_size=_PREDICTED_AT_ONCE, verbose=0)
    scores: Values = outputs["anomaly"][:, 0]
    return scores


@dataclass(frozen=True, slots=True)
class AnomalyScores:
    """Anomaly scores of the finished network.

    Attributes:
        calibration: Scores of the calibration part, ascending.
        advantage: The network beside the mean picture, on validation and calibration.
        parts: Scores of the other parts that did not train, by the part's name.
        out_of_distribution: Scores of pictures made by code, by their kind.
    """

    calibration: Values
    advantage: Advantage
    parts: Mapping[str, Values]
    out_of_distribution: Mapping[str, Values]


def score_all(network: keras.Model, parts: PictureParts, config: PictureConfig) -> AnomalyScores:
    """Score validation and calibration, judge the network, and only then score the test part.

    Raises:
        CannotTrain: R2 is too low, or the network redraws pictures no better than the mean picture.
    """
    validation, calibration = (
        score(network, part.x) for part in (parts.validation, parts.calibration)
    )
    r2 = r2_score(validation, parts.validation.x, parts.train.x)
    require_score(r2, config.min_score, measure="R2")
    advantage = pictures_advantage(
        np.concatenate([validation, calibration]),
        mean_picture_errors(
            np.concatenate([parts.validation.x, parts.calibration.x]), parts.train.x
        ),
    )
    require_advantage(advantage, instances="pictures", force=config.force)
    rng = np.random.default_rng(config.seed)
    unlike = out_of_distribution_pictures(parts.test.x, config.pictures.geometry, rng)
    return AnomalyScores(
        calibration=np.sort(calibration),
        advantage=advantage,
        parts={
            "validation": validation,
            "held_out": score(network, parts.held_out.x),
            "test": score(network, parts.test.x),
        },
        out_of_distribution={kind: score(network, pixels) for kind, pixels in unlike.items()},
    )


def r2_score(scores: Values, pixels: Pixels, training: Pixels) -> float:
    """Return how much better the reconstructions are than the mean training picture: R2.

    Shapes:
        scores: (n,); pixels: (n, height, width, channels); training: (m, height, width, channels).
    """
    spread = float(mean_picture_errors(pixels, training).mean(dtype=np.float64))
    return 1 - float(scores.mean(dtype=np.float64)) / spread if spread else 0.0


def mean_picture_errors(pixels: Pixels, training: Pixels) -> Values:
    """Return the anomaly score of each picture, if it were redrawn as the mean training picture.

    Shapes:
        pixels: (n, height, width, channels); training: (m, height, width, channels); result: (n,).
    """
    mean = training.mean(axis=0, dtype=np.float64).astype(np.float32)
    errors: Values = np.square((pixels - mean) / np.float32(255)).mean(axis=(1, 2, 3))
    return errors


def part_scores(
    scores: Values, pixels: Pixels, training: Pixels, calibration: Values
) -> dict[str, float]:
    """Return the scores of the autoencoder on one part.

    Shapes:
        scores: (n,); pixels, training: as in `r2_score`; calibration: (m,), ascending.
    """
    doubted = doubted_share(scores, calibration)
    return {
        "mean_error": float(scores.mean(dtype=np.float64)),
        "mean_error_standard_error": float(scores.std(dtype=np.float64) / np.sqrt(len(scores))),
        "r2": r2_score(scores, pixels, training),
        "doubted": doubted,
        "doubted_standard_error": float(np.sqrt(doubted * (1 - doubted) / len(scores))),
    }


def publish(
    draft: Draft,
    network: keras.Model,
    history: History,
    parts: PictureParts,
    scores: AnomalyScores,
    config: PictureConfig,
) -> Path:
    """Write the bundle and give it its version.

    Returns:
        The published folder.
    """
    served = without_reconstruction(network)
    description = _describe(served, parts, scores, config)
    export = export_and_verify(served, description, draft.folder, {"image": parts.validation.x})
    golden = config.kind.golden()
    write_golden_examples(served, description, draft.folder, {"image": golden})
    shown = _shown_pictures(config, golden, network.input["image"].shape[1:])
    with stretch("Drawing the plots of the card"):
        _draw_plots(draft.plots, history, scores)
        _draw_reconstructions(draft.plots, network, shown)
    write_history(draft.folder / bundle.HISTORY_NAME, history)
    sections = _card_sections(fit_text(config, history, len(parts.train)), scores)
    return draft.publish(
        partial(build_manifest, description, draft.folder, export),
        partial(write_card, network=served, sections=sections),
    )


def _describe(
    network: keras.Model, parts: PictureParts, scores: AnomalyScores, config: PictureConfig
) -> Description:
    image = picture_input(config.pictures, parts.train.x.shape[1:])
    anomaly = AnomalyOutput(name="anomaly", tensor="anomaly", dtype="float32", shape=(1,))
    return Description(
        name=config.name,
        task="anomaly detection",
        signature=Signature(inputs=(image,), outputs=(anomaly,)),
        target=config.pictures.target,
        origin=picture_origin(parts, config),
        parameters=count_parameters(network),
        scores={
            name: part_scores(each, getattr(parts, name).x, parts.train.x, scores.calibration)
            for name, each in scores.parts.items()
        },
        calibration=Calibration(scores=ascending(scores.calibration)),
        reference=picture_references(parts.train.x, inked=image.inked),
    )


def _draw_plots(folder: Path, history: History, scores: AnomalyScores) -> None:
    """Draw the plots of the card; none of them shows a picture of the data set."""
    plot_history(folder / "loss.png", history, "loss", title="Squared error by epoch")
    plot_anomaly_scores(
        folder / "strangeness.png",
        {"test part": scores.parts["test"], **scores.out_of_distribution},
        limit=float(np.quantile(scores.calibration, 1 - DOUBT)),
        title="Anomaly scores by kind of picture",
    )
    plot_credibility(
        folder / "credibility.png",
        p_values(scores.parts["test"], scores.calibration),
        title="Credibility of the test part",
    )


def _draw_reconstructions(folder: Path, network: keras.Model, pictures: Pixels) -> None:
    outputs = network.predict({"image": pictures}, verbose=0)
    plot_reconstructions(
        folder / "reconstructions.png",
        pictures / np.float32(255),
        outputs["reconstruction"],
        outputs["anomaly"][:, 0],
        columns=_SHOWN,
    )


def _shown_pictures(config: PictureConfig, golden: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Return ten golden pictures and ten letters, as the network takes them.

    Shapes:
        (20, *shape), levels in [0, 255].
    """
    shown = (golden[:_SHOWN], draw_letters()[:_SHOWN])
    return np.concatenate([fit_pictures(config.pictures.geometry, each, shape) for each in shown])


def _card_sections(fit: str, scores: AnomalyScores) -> str:
    """Write the sections of the card that only this experiment has."""
    return fill(
        "autoencoder",
        advantage=advantage_text(scores.advantage, instances="pictures"),
        fit=fit,
        calibrating=f"{len(scores.calibration):,}",
        doubt=str(DOUBT),
        scores=_score_table(scores),
    )


def _score_table(scores: AnomalyScores) -> str:
    ordinary = scores.parts["test"]
    header = ["pictures", "count", "mean score", f"credibility below {DOUBT}", "area under ROC"]
    rows = [["test part", *_score_cells(ordinary, scores.calibration), ""]]
    rows += [
        [kind, *_score_cells(each, scores.calibration), f"{_roc_area(ordinary, each):.4f}"]
        for kind, each in scores.out_of_distribution.items()
    ]
    return table(header, rows)


def _score_cells(scores: Values, calibration: Values) -> list[str]:
    doubted = doubted_share(scores, calibration)
    return [f"{len(scores):,}", f"{scores.mean():.4f}", f"{doubted:.1%}"]


def _roc_area(ordinary: Values, unlike: Values) -> float:
    is_unlike = np.repeat([0, 1], [len(ordinary), len(unlike)])
    return float(roc_auc_score(is_unlike, np.concatenate([ordinary, unlike])))
