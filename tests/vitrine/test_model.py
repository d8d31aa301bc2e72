"""Raw instances to predictions: encoding, warnings, how far to trust them, records."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.bundles import picture_manifest, table_manifest
from tests.fakes import price, price_between, weigh, weigh_all
from vitrine.bundle import Manifest
from vitrine.engines import Tensors
from vitrine.errors import BlankPicture, InvalidParameter, NoFiniteAnswer
from vitrine.model import Model
from vitrine.predictions import NO_TRUST, Confidence, Predictions, TrustOptions
from vitrine.signature import ColumnSpec, DateInput, ProbabilitiesOutput, Signature

LABELS = ProbabilitiesOutput(
    name="probabilities", tensor="p", dtype="float32", shape=(3,), labels=("a", "b", "c")
)


class Recorder:
    """An engine that keeps what it was fed and answers with the first input's sum."""

    def __init__(self) -> None:
        self.fed: Mapping[str, NDArray[Any]] = {}

    def __call__(self, tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        """Keep the tensors; answer 1 for each instance."""
        self.fed = tensors
        return {"value": np.ones((len(tensors["size"]), 1), dtype=np.float32)}


def rows(size: list[float], colour: list[str | None]) -> dict[str, NDArray[Any]]:
    """Make instances of the table model."""
    return {
        "size": np.array(size, dtype=np.float32),
        "colour": np.array(colour, dtype=object),
    }


def test_columns_enter_the_network_as_floats_and_codes() -> None:
    engine = Recorder()

    Model(table_manifest(), engine).predict(rows([1.5, 2.5, 3.5], ["red", None, "pink"]))

    np.testing.assert_array_equal(
        engine.fed["size"], np.array([[1.5], [2.5], [3.5]], dtype=np.float32)
    )
    np.testing.assert_array_equal(engine.fed["colour"], np.array([[3], [0], [1]], dtype=np.int32))


def test_unknown_category_and_unexpected_blank_are_warned_of() -> None:
    model = Model(table_manifest(), Recorder())

    predictions = model.predict(rows([np.nan, 1.0, 2.0], ["pink", None, "blue"]))

    assert predictions.warnings == {
        0: [
            "size is missing; it never was in training.",
            "colour is 'pink'; training did not have this category.",
        ]
    }


def test_no_instances_have_no_predictions() -> None:
    assert len(Model(table_manifest(), Recorder()).predict(rows([], []))) == 0


def test_answer_that_is_not_finite_is_an_error_of_its_instance() -> None:
    def engine(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        return {"value": np.reciprocal(tensors["size"])}

    with np.errstate(divide="ignore"):
        predictions = Model(table_manifest(), engine).predict(
            rows([0.0, 2.0, 0.0], ["red", "pink", "red"])
        )

    assert list(predictions.errors) == [0, 2]
    assert predictions.good().values.tolist() == [0.5]
    assert list(predictions.good().warnings) == [0]


def half_ink(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
    """Answer the two labels with even odds."""
    return {"probabilities": np.full((len(tensors["image"]), 2), 0.5, dtype=np.float32)}


def picture(*, ink: int) -> NDArray[np.uint8]:
    """Draw an upright bar, or nothing."""
    pixels = np.zeros((40, 40, 1), dtype=np.uint8)
    pixels[10:30, 18:22] = ink
    return pixels


def pictures(*inks: int) -> dict[str, NDArray[np.object_]]:
    """Make instances of the picture model."""
    array = np.empty(len(inks), dtype=object)
    array[:] = [picture(ink=ink) for ink in inks]
    return {"image": array}


def test_blank_pictures_are_errors_of_their_own() -> None:
    predictions = Model(picture_manifest(), half_ink).predict(pictures(255, 0, 255, 0))

    kinds = {place: type(error) for place, error in predictions.errors.items()}
    assert kinds == {1: BlankPicture, 3: BlankPicture}
    assert len(predictions.good()) == 2


def test_records_list_the_most_probable_classes_first() -> None:
    predictions = Predictions(
        LABELS, np.array([[0.25, 0.125, 0.625]], dtype=np.float32), {0: ["odd"]}
    )

    (record,) = predictions.records(top=2)

    assert record == {
        "label": "c",
        "probability": np.float32(0.625),
        "probabilities": {"c": np.float32(0.625), "a": np.float32(0.25)},
        "warnings": ["odd"],
    }
    assert list(record["probabilities"]) == ["c", "a"]


def test_records_list_every_class_when_asked() -> None:
    predictions = Predictions(LABELS, np.array([[0.25, 0.125, 0.625]], dtype=np.float32))

    assert len(predictions.records(top=None)[0]["probabilities"]) == 3


def test_columns_hold_the_label_and_its_probability() -> None:
    columns = Predictions(LABELS, np.array([[0.25, 0.125, 0.625]], dtype=np.float32)).columns()

    assert columns["label"].tolist() == ["c"]
    assert columns["probability"].tolist() == [0.625]


def test_value_has_no_label() -> None:
    predictions = Predictions(
        table_manifest().signature.prediction, np.array([3.0], dtype=np.float32)
    )

    assert predictions.labels().tolist() == []
    assert predictions.columns()["prediction"].tolist() == [3.0]
    assert predictions.records(top=3) == [{"value": np.float32(3.0)}]


def with_columns(*columns: ColumnSpec) -> Manifest:
    """Return the table's manifest with other columns."""
    manifest = table_manifest()
    signature = Signature(inputs=columns, outputs=manifest.signature.outputs)
    return msgspec.structs.replace(manifest, signature=signature)


def date(form: str = "%d.%m.%Y") -> DateInput:
    """Return a column of dates, of which training saw January of 2020."""
    return DateInput(
        name="built",
        tensor="built",
        dtype="float32",
        shape=(1,),
        format=form,
        minimum=18262.0,
        maximum=18292.0,
        median=18270.0,
        blanks=True,
    )


def ones(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
    """Answer 1 for each instance."""
    return {"value": np.ones((len(next(iter(tensors.values()))), 1), dtype=np.float32)}


def test_number_beyond_what_training_saw_is_warned_of() -> None:
    model = Model(table_manifest(calibrated=True), price_between)
    sizes = [0, 100, 50, -0.5, 100.25, 1e30]

    warnings = model.predict(rows(sizes, ["red"] * 6)).warnings

    seen = "in training it was between 0 and 100."
    assert warnings == {
        3: [f"size is -0.5; {seen}"],
        4: [f"size is 100.25; {seen}"],
        5: [f"size is 1e+30; {seen}"],
    }


def test_ends_of_the_range_are_met_with_the_digits_that_a_number_has() -> None:
    size, _ = table_manifest().signature.columns
    narrow = msgspec.structs.replace(size, minimum=0.1, maximum=0.7)
    ends = np.array([0.1, 0.7], dtype=np.float32)
    beyond = np.nextafter(ends, np.array([0, 1], dtype=np.float32))

    predictions = Model(with_columns(narrow), ones).predict({"size": np.append(ends, beyond)})

    assert list(predictions.warnings) == [2, 3]


SIZES = st.sampled_from((0.0, 100.0, np.nan, np.inf, -np.inf)) | st.floats(-1, 101, width=32)
COLOURS = st.sampled_from((None, "red", "blue", "green"))


@given(st.lists(st.tuples(SIZES, SIZES, COLOURS), min_size=1, max_size=8))
def test_rows_are_warned_of_one_by_one_as_together(
    rows: list[tuple[float, float, str | None]],
) -> None:
    size, colour = table_manifest(calibrated=True).signature.columns
    other = msgspec.structs.replace(size, name="width", tensor="width", blanks=True)
    known = msgspec.structs.replace(colour, blanks=False)
    model = Model(with_columns(size, known, other), ones)
    sizes, widths, colours = zip(*rows, strict=True)
    instances: dict[str, NDArray[Any]] = {
        "size": np.array(sizes, dtype=np.float32),
        "colour": np.array([*colours, None], dtype=object)[:-1],
        "width": np.array(widths, dtype=np.float32),
    }

    alone = {
        index: model.predict({name: each[index : index + 1] for name, each in instances.items()})
        for index in range(len(rows))
    }

    warned = {index: each.warnings[0] for index, each in alone.items() if each.warnings}
    assert model.predict(instances).warnings == warned
    for index, (number, width, text) in enumerate(rows):
        about = [warning.split()[0] for warning in warned.get(index, [])]
        expected = [
            *(["size"] if not 0 <= number <= 100 else []),
            *(["colour"] if text in {None, "green"} else []),
            *(["width"] if width < 0 or width > 100 else []),
        ]
        assert about == expected


def test_blank_number_is_in_no_range() -> None:
    size, _ = table_manifest(calibrated=True).signature.columns
    model = Model(with_columns(msgspec.structs.replace(size, blanks=True)), ones)

    assert model.predict({"size": np.full(1, np.nan, dtype=np.float32)}).warnings == {}


def test_column_that_was_always_blank_has_no_range() -> None:
    size, _ = table_manifest().signature.columns
    blank = msgspec.structs.replace(size, minimum=None, maximum=None, median=None)

    predictions = Model(with_columns(blank), ones).predict({"size": np.ones(1, np.float32)})

    assert predictions.warnings == {}


@pytest.mark.parametrize(
    ("form", "day", "text"),
    [
        ("%d.%m.%Y", 18261, "built is 31.12.2019; in training it was between 01.01.2020 and "),
        ("%Y-%m-%d", 18293, "built is 2020-02-01; in training it was between 2020-01-01 and "),
        ("%Y-%m-%d %H:%M", 18261.5, "built is 2019-12-31 12:00; in training"),
        ("%Y", 1e7, "built is 1e+07 days after 1970-01-01; in training it was between 2020 and"),
        ("%Y", -1e30, "built is -1e+30 days after 1970-01-01; in training"),
    ],
    ids=["before", "after", "with a time", "beyond the calendar", "before the calendar"],
)
def test_date_beyond_what_training_saw_is_written_as_the_column_is(
    form: str, day: float, text: str
) -> None:
    days = np.array([day], dtype=np.float32)

    warnings = Model(with_columns(date(form)), ones).predict({"built": days}).warnings

    assert warnings[0][0].startswith(text)


def test_dates_at_the_ends_and_blank_ones_are_not_warned_of() -> None:
    days = np.array([18262, 18270.5, 18292, np.nan], dtype=np.float32)

    assert Model(with_columns(date()), ones).predict({"built": days}).warnings == {}


def test_all_that_is_doubtful_about_a_row_is_told() -> None:
    size, colour = table_manifest(calibrated=True).signature.columns
    instances = {
        **rows([999], ["pink"]),
        "built": np.array([0], dtype=np.float32),
    }

    warnings = Model(with_columns(size, colour, date()), ones).predict(instances).warnings

    assert [text.split()[0] for text in warnings[0]] == ["size", "colour", "built"]


def test_nothing_of_trust_is_told_unasked() -> None:
    for manifest, engine in (
        (picture_manifest(calibrated=True), weigh_all),
        (picture_manifest(), weigh),
    ):
        assert Model(manifest, engine).predict(pictures(255)).confidence is None


@pytest.mark.parametrize(
    ("coverage", "ends"),
    [(0.2, (13, 13)), (0.4, (12.5, 14)), (0.6, (12, 15)), (0.61, (11, 17)), (0.8, (11, 17))],
    ids=str,
)
def test_interval_is_as_wide_as_its_coverage_needs(
    coverage: float, ends: tuple[float, float]
) -> None:
    model = Model(table_manifest(calibrated=True), price_between)

    confidence = model.predict(rows([1], ["red"]), TrustOptions(coverage=coverage)).confidence

    assert confidence is not None
    assert confidence.intervals is not None
    assert confidence.intervals.tolist() == [pytest.approx(ends, abs=1e-4)]
    assert (confidence.sets, confidence.credibility) == (None, None)


def test_answer_without_a_number_leaves_the_intervals_of_others() -> None:
    model = Model(table_manifest(calibrated=True), price_between)

    predictions = model.predict(rows([3e38, 1], ["red", "red"]), TrustOptions(coverage=0.6))

    assert list(predictions.errors) == [0]
    confidence = predictions.good().confidence
    assert confidence is not None
    assert confidence.intervals is not None
    assert confidence.intervals.tolist() == [[12, 15]]


def test_instance_whose_trust_cannot_be_told_has_no_answer() -> None:
    def quantile_of_reciprocal(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        quantiles = 1 / tensors["size"] + np.array([-1, 1], dtype=np.float32)
        return {"value": tensors["size"], "quantiles": quantiles}

    model = Model(table_manifest(calibrated=True), quantile_of_reciprocal)
    with np.errstate(divide="ignore", invalid="ignore"):
        predictions = model.predict(rows([0, 1], ["red", "red"]), TrustOptions(coverage=0.6))

    assert {place: type(error) for place, error in predictions.errors.items()} == {
        0: NoFiniteAnswer
    }


@pytest.mark.parametrize(
    ("coverage", "default", "told"),
    [
        (None, 0.5, 0.5),
        (None, 0.8, 0.8),
        (None, 0.9, 0.8),
        (None, 0.999, 0.8),
        (0.8, 0.5, 0.8),
        (0.1, 0.9, 0.1),
    ],
    ids=["default", "largest", "beyond", "far beyond", "asked", "less asked"],
)
def test_default_coverage_is_at_most_what_calibration_supports(
    coverage: float | None, default: float, told: float
) -> None:
    model = Model(picture_manifest(calibrated=True), weigh_all)

    asked = model.trust_options(coverage=coverage, default=default, abstain_below=None)

    assert asked == TrustOptions(coverage=told)


def test_model_without_calibration_has_nothing_to_tell() -> None:
    model = Model(picture_manifest(), weigh)

    assert model.trust_options(coverage=None, default=0.9, abstain_below=None) == NO_TRUST
    with pytest.raises(InvalidParameter, match="which was not calibrated"):
        model.trust_options(coverage=0.5, default=0.9, abstain_below=None)
    with pytest.raises(InvalidParameter, match="whose answers have no credibility"):
        model.trust_options(coverage=None, default=0.9, abstain_below=0.5)


def test_value_has_no_credibility_to_ask_for() -> None:
    with pytest.raises(InvalidParameter, match="whose answers have no credibility"):
        Model(table_manifest(calibrated=True), price_between).trust_options(
            coverage=None, default=0.9, abstain_below=0.5
        )


@pytest.mark.parametrize(
    ("model", "asked", "columns"),
    [
        (Model(picture_manifest(), weigh), NO_TRUST, []),
        (Model(picture_manifest(calibrated=True), weigh_all), NO_TRUST, []),
        (
            Model(picture_manifest(calibrated=True), weigh_all),
            TrustOptions(coverage=0.5),
            ["set", "credibility"],
        ),
        (
            Model(picture_manifest(calibrated=True), weigh_all),
            TrustOptions(coverage=0.5, abstain_below=0.5),
            ["set", "credibility", "reason"],
        ),
    ],
    ids=["bare", "calibrated", "covering", "abstaining"],
)
def test_columns_of_a_class_are_known_before_the_answer(
    model: Model, asked: TrustOptions, columns: list[str]
) -> None:
    assert model.columns(asked) == ["label", "probability", *columns]
    assert list(model.predict(pictures(255, 200), asked).columns()) == model.columns(asked)


@pytest.mark.parametrize(
    ("model", "asked", "columns"),
    [
        (Model(table_manifest(), price), NO_TRUST, []),
        (Model(table_manifest(calibrated=True), price_between), NO_TRUST, []),
        (
            Model(table_manifest(calibrated=True), price_between),
            TrustOptions(coverage=0.5),
            ["lower", "upper"],
        ),
    ],
    ids=["bare", "calibrated", "covering"],
)
def test_columns_of_a_value_are_known_before_the_answer(
    model: Model, asked: TrustOptions, columns: list[str]
) -> None:
    assert model.columns(asked) == ["prediction", *columns]
    assert list(model.predict(rows([1], ["red"]), asked).columns()) == model.columns(asked)


SETS = np.array([[True, False, True], [False, True, False], [True, False, True]])


def answers(abstain_below: float | None) -> Predictions:
    """Return three answers and how far to trust them."""
    values = np.array([[0.25, 0.125, 0.625], [0, 1, 0], [0.5, 0, 0.5]], dtype=np.float32)
    confidence = Confidence(
        coverage=0.9,
        sets=SETS,
        credibility=np.array([0.5, 0.25, 0.125]),
        abstain_below=abstain_below,
    )
    return Predictions(LABELS, values, {1: ["odd"]}, confidence=confidence)


def test_records_tell_sets_and_credibility() -> None:
    records = answers(None).records(top=1)

    assert records[0] == {
        "label": "c",
        "probability": np.float32(0.625),
        "probabilities": {"c": np.float32(0.625)},
        "set": ["a", "c"],
        "credibility": 0.5,
    }
    assert [record["set"] for record in records] == [["a", "c"], ["b"], ["a", "c"]]
    assert records[1]["warnings"] == ["odd"]


def test_records_below_the_credibility_have_no_label_and_a_reason() -> None:
    first, second, third = answers(0.25).records(top=1)

    assert "reason" not in first
    assert "reason" not in second  # it is not below
    assert (third["label"], third["probability"]) == (None, None)
    assert third["probabilities"] == {"a": np.float32(0.5)}
    assert third["reason"].startswith("The credibility 0.125 is below 0.25: ")


def test_columns_below_the_credibility_have_no_label_and_a_reason() -> None:
    predictions = answers(0.3)

    columns = predictions.columns()

    assert list(columns) == ["label", "probability", "set", "credibility", "reason"]
    assert columns["label"].tolist() == ["c", None, None]
    np.testing.assert_array_equal(columns["probability"], [np.float32(0.625), np.nan, np.nan])
    assert columns["set"].tolist() == ["a|c", "b", "a|c"]
    assert [text is None for text in columns["reason"]] == [True, False, False]
    # What is written leaves what was answered as it was.
    assert predictions.labels().tolist() == ["c", "b", "a"]


def test_good_answers_keep_what_is_said_of_them() -> None:
    predictions = Model(picture_manifest(calibrated=True), weigh_all).predict(
        pictures(0, 255, 0, 200), TrustOptions(coverage=0.8)
    )

    good = predictions.good()

    assert [len(steps) > 0 for steps in predictions.steps] == [False, True, False, True]
    assert list(good.steps) == [predictions.steps[1], predictions.steps[3]]
    assert all(len(tensor) == 2 for tensor in good.tensors.values())
    assert good.tensors["image"].any(axis=(1, 2, 3)).all()
    assert good.confidence is not None
    assert good.confidence.credibility is not None
    assert len(good.confidence.credibility) == 2


@pytest.mark.parametrize("classes", [2, 8, 9, 70], ids=str)
def test_sets_of_any_number_of_classes_are_told(classes: int) -> None:
    labels = tuple(f"class {place}" for place in range(classes))
    members = np.random.default_rng(classes).random((40, classes)) < 0.5
    output = msgspec.structs.replace(LABELS, labels=labels, shape=(classes,))
    values = np.full((40, classes), 1 / classes, dtype=np.float32)
    confidence = Confidence(coverage=0.9, sets=members)

    many = Predictions(output, values, confidence=confidence).records(top=1)
    alone = [
        Predictions(output, values[:1], confidence=confidence.take([place])).records(top=1)[0]
        for place in range(40)
    ]

    expected = [[label for label, held in zip(labels, row, strict=True) if held] for row in members]
    assert [record["set"] for record in many] == expected
    assert [record["set"] for record in alone] == expected
