"""Pictures redrawn, to tell the strange: config, data, network, fit, evaluate, calibrate, publish.

The configuration and the fit are those of the classifiers of pictures; no label is looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import msgspec
import numpy as np
from sklearn.metrics import roc_auc_score

from training import card, publishing
from training.architectures.autoencoder import autoencoder, without_reconstruction
from training.calibration.scores import ascending
from training.card import Section, render
from training.datasets.picture_data import Pixels, fit_pictures
from training.datasets.pictures import PictureParts
from training.drawing.letters import draw_letters
from training.drawing.out_of_distribution import out_of_distribution_pictures
from training.errors import CannotTrain
from training.evaluation.multiply_adds import count_multiply_adds
from training.evaluation.references import number_reference
from training.evaluation.scores import Values
from training.experiments.pictures import Config, learn, origin_of, picture_input, read
from training.history import History, write_history
from training.plots.anomaly_scores import plot_anomaly_scores
from training.plots.credibility import plot_credibility
from training.plots.history import plot_history
from training.plots.reconstructions import plot_reconstructions
from training.progress import console
from vitrine import bundle, drift
from vitrine.bundle import Calibration, Manifest
from vitrine.signature import AnomalyOutput, Signature
from vitrine.trust import p_values

# A picture of lower credibility is called doubted.
_DOUBT = 0.05
_SHOWN = 10


def train(config: Config) -> Path:
    """Train an autoencoder and publish it.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The data cannot be had or the result is not good enough.
    """
    keras.utils.set_random_seed(config.seed)
    with publishing.Draft(config.models, config.name) as draft:
        parts = read(config)
        if not len(parts.calibration):
            raise CannotTrain(
                "An autoencoder needs 300 pictures to learn from, to be calibrated. "
                f"Received: {len(parts.train) + len(parts.validation)}."
            )
        network = autoencoder(parts.train.x.shape[1:])
        history = fit(network, parts, config)
        console.print("Calibrating ...")
        measured = measure(without_reconstruction(network), parts, config)
        return publish(draft, network, history, parts, measured, config)


def fit(network: keras.Model, parts: PictureParts, config: Config) -> History:
    """Fit the network to make its own score small.

    Returns:
        The score of training and validation by epoch, as their loss.
    """
    learner = without_reconstruction(network)
    learner.compile(loss=_score_itself, **config.recipe.compiling(len(parts.train)))
    (training, aims), validation = (
        ({"image": part.x}, np.zeros((len(part), 1), dtype=np.float32))
        for part in (parts.train, parts.validation)
    )
    batches = {"x": training, "y": aims, "batch_size": config.recipe.batch_size}
    return learn(learner, batches, validation, config)


def _score_itself(_aims: keras.KerasTensor, scores: keras.KerasTensor) -> keras.KerasTensor:
    return scores


def score(network: keras.Model, pixels: Pixels) -> Values:
    """Return how badly each picture was redrawn.

    Shapes:
        pixels: (n, height, width, channels); result: (n,).
    """
    outputs = network.predict({"image": pixels}, batch_size=1000, verbose=0)
    scores: Values = outputs["anomaly"][:, 0]
    return scores


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of the finished network.

    Attributes:
        calibration: Scores of the calibration part, ascending.
        parts: Scores of the other parts that did not train, by the part's name.
        out_of_distribution: Scores of pictures made by code, by their kind.
    """

    calibration: Values
    parts: Mapping[str, Values]
    out_of_distribution: Mapping[str, Values]


def measure(network: keras.Model, parts: PictureParts, config: Config) -> Measured:
    """Score validation, see that it is good enough, and only then look at the test part."""
    validation = score(network, parts.validation.x)
    share = explained(validation, parts.validation.x, parts.train.x)
    publishing.refuse_below(share, config.min_score, measure="R2")
    made = out_of_distribution_pictures(
        parts.test.x, config.pictures.geometry, np.random.default_rng(config.seed)
    )
    return Measured(
        calibration=np.sort(score(network, parts.calibration.x)),
        parts={
            "validation": validation,
            "held_out": score(network, parts.held_out.x),
            "test": score(network, parts.test.x),
        },
        out_of_distribution={kind: score(network, pixels) for kind, pixels in made.items()},
    )


def explained(scores: Values, pixels: Pixels, training: Pixels) -> float:
    """Return R2: how much better pictures are redrawn than the mean picture would do.

    Shapes:
        scores: (n,); pixels: (n, height, width, channels); training: (m, height, width, channels).
    """
    mean = training.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = float(np.square((pixels - mean) / np.float32(255)).mean(dtype=np.float64))
    return 1 - float(scores.mean(dtype=np.float64)) / spread if spread else 0.0


def scores_of(
    scores: Values, pixels: Pixels, training: Pixels, calibration: Values
) -> dict[str, float]:
    """Return what the autoencoder is worth on one part.

    Shapes:
        scores: (n,); pixels, training: as `explained` has them; calibration: (m,), ascending.
    """
    doubted = float((p_values(scores, calibration) < _DOUBT).mean())
    return {
        "mean_error": float(scores.mean(dtype=np.float64)),
        "mean_error_standard_error": float(scores.std(dtype=np.float64) / np.sqrt(len(scores))),
        "r2": explained(scores, pixels, training),
        "doubted": doubted,
        "doubted_standard_error": float(np.sqrt(doubted * (1 - doubted) / len(scores))),
    }


def publish(
    draft: publishing.Draft,
    network: keras.Model,
    history: History,
    parts: PictureParts,
    measured: Measured,
    config: Config,
) -> Path:
    """Write the bundle and give it its version."""
    pictures, served = config.pictures, without_reconstruction(network)
    image = picture_input(pictures, parts.train.x.shape[1:])
    signature = Signature(
        inputs=(image,),
        outputs=(AnomalyOutput(name="anomaly", tensor="anomaly", dtype="float32", shape=(1,)),),
    )
    exported = publishing.export(served, signature, draft.folder)
    manifest = Manifest(
        format=bundle.FORMAT,
        name=config.name,
        version=publishing.UNNUMBERED,
        task="anomaly detection",
        signature=signature,
        target=pictures.target,
        files={},
        origin=origin_of(parts, config),
        scores={
            name: scores_of(scores, getattr(parts, name).x, parts.train.x, measured.calibration)
            for name, scores in measured.parts.items()
        },
        multiply_adds=count_multiply_adds(exported, signature),
        parameters=publishing.trainable_parameters(served),
        onnx_difference=None,
        golden_tolerance=publishing.GOLDEN_TOLERANCE,
        calibration=Calibration(scores=ascending(measured.calibration)),
        reference={
            name: number_reference(each)
            for name, each in drift.picture_measures(parts.train.x, inked=image.inked).items()
        },
    )
    difference = publishing.measure_export(
        served, manifest, draft.folder, {"image": parts.validation.x}
    )
    manifest = msgspec.structs.replace(manifest, onnx_difference=difference)
    golden = config.kind.golden()
    publishing.add_golden_examples(served, manifest, draft.folder, {"image": golden})
    shown = drawn(config, golden, network.input["image"].shape[1:])
    draw(draft.plots, network, history, measured, shown)
    write_history(draft.folder / "history.csv", history)
    return draft.publish(
        manifest, partial(render, network=served, sections=sections(config, history, measured))
    )


def draw(
    folder: Path, network: keras.Model, history: History, measured: Measured, shown: Pixels
) -> None:
    """Draw what the card shows; no picture of the data set is among it.

    Args:
        folder: Of the plots.
        network: That redraws.
        history: Of its fit.
        measured: Of it.
        shown: Pictures made by code.
    """
    plot_history(folder / "loss.png", history, "loss", title="Squared error by epoch")
    plot_anomaly_scores(
        folder / "strangeness.png",
        {"test part": measured.parts["test"], **measured.out_of_distribution},
        limit=float(np.quantile(measured.calibration, 1 - _DOUBT)),
        title="How badly pictures are redrawn",
    )
    plot_credibility(
        folder / "credibility.png",
        p_values(measured.parts["test"], measured.calibration),
        title="Credibility of the test part",
    )
    outputs = network.predict({"image": shown}, verbose=0)
    plot_reconstructions(
        folder / "reconstructions.png",
        shown / np.float32(255),
        outputs["reconstruction"],
        outputs["anomaly"][:, 0],
        columns=_SHOWN,
    )


def drawn(config: Config, golden: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Return ten golden pictures and ten letters made by code, as the network takes them.

    Shapes:
        (20, *shape), levels in [0, 255].
    """
    name = config.pictures.geometry
    shown = (golden[:_SHOWN], draw_letters()[:_SHOWN])
    return np.concatenate([fit_pictures(name, each, shape) for each in shown])


def sections(config: Config, history: History, measured: Measured) -> tuple[Section, ...]:
    """Write the parts of the card that only this experiment knows."""
    recipe = config.recipe
    fit_text = (
        f"{recipe.described} {len(history.measures['loss'])} epochs, of which number "
        f"{history.kept} had the least validation loss and was kept."
    )
    return (
        Section(
            "Reconstructions",
            "Pictures and letters drawn by code, never seen in training; under each what the "
            "network makes of it, over it the score: the mean squared difference of the two, in "
            "levels / 255.\n\n"
            + card.image("reconstructions", "drawn pictures and letters, and redrawn"),
        ),
        Section("Fit", fit_text + "\n\n" + card.image("loss", "squared error by epoch")),
        Section("What it finds strange", _strangeness(measured)),
        Section("Limits", LIMITS),
    )


def _strangeness(measured: Measured) -> str:
    ordinary = measured.parts["test"]
    rows = []
    for kind, scores in {"test part": ordinary, **measured.out_of_distribution}.items():
        doubted = (p_values(scores, measured.calibration) < _DOUBT).mean()
        truth = np.repeat([0, 1], [len(ordinary), len(scores)])
        area = roc_auc_score(truth, np.concatenate([ordinary, scores]))
        rows.append(
            [
                kind,
                f"{len(scores):,}",
                f"{scores.mean():.4f}",
                f"{doubted:.1%}",
                "" if scores is ordinary else f"{area:.4f}",
            ]
        )
    return STRANGENESS.format(
        calibrating=len(measured.calibration),
        doubt=_DOUBT,
        table=card.table(
            ["pictures", "count", "mean score", f"credibility below {_DOUBT}", "area"], rows
        ),
        strangeness=card.image("strangeness", "scores of the test part and of other pictures"),
        credibility=card.image("credibility", "credibility of the test part"),
    )


STRANGENESS = """\
{calibrating:,} pictures that did not train and chose nothing calibrated it: a picture's credibility
is the share of them that were redrawn as badly or worse. Of pictures like them as many lie below
{doubt} as that says; "doubted" among the scores is that share.

Noise, the test part inverted, its pixels in another order, and letters in five typefaces were made
by code. The area is how often a picture of that kind has a higher score than one of the test part.

{table}

{strangeness}

{credibility}"""


LIMITS = """\
- The score tells how unlike the training pictures one looks, not what it shows or why.
- A picture with little ink is redrawn with a small error whatever it shows; one with much ink, or
  with thick strokes, with a larger one.
- What is made of the same strokes as a digit may be redrawn well: letters are found less often
  than noise."""
