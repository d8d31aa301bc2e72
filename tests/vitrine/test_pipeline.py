"""Blocks of instances -> predictions -> the pieces of an answer, without HTTP."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.bundles import anomaly_manifest, labels_manifest, picture_manifest, table_manifest
from tests.fakes import blank_picture, fail_on_large, picture, price, table, weigh
from vitrine.block_stream import BlockStream, open_csv
from vitrine.errors import InvalidInstances, TooManyInstances, VitrineError
from vitrine.model import Model
from vitrine.observer import Observer, Unlimited
from vitrine.options import Options
from vitrine.pictures import picture_blocks
from vitrine.pipeline import JsonEncoder, Pipeline
from vitrine.predictions import Confidence, PredictedBlock, Predictions, values_shape
from vitrine.signature import (
    AnomalyOutput,
    LabelsOutput,
    PredictionOutput,
    ProbabilitiesOutput,
    ValueOutput,
)
from vitrine.tables.blocks import Block
from vitrine.tables.rows import decode_rows

ROOMS = Model(table_manifest(), price)
STROKES = Model(picture_manifest(), weigh)


class Recorded(Observer):
    """Writes down what happens, and lets the pipeline compute."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.blocks: list[PredictedBlock] = []
        self.held = 0

    def __enter__(self) -> None:
        self.held += 1

    def __exit__(self, *_: object) -> None:
        self.held -= 1

    def give_way(self) -> None:
        """Write it down."""
        self.events.append("gave way")

    def released(self) -> AbstractContextManager[None]:
        """Let others compute, of whom there are none."""
        return nullcontext()

    def spare(self) -> None:
        """Have no slot for a second thread."""

    def decoded(self, instances: int) -> None:
        """Write it down."""
        assert self.held
        self.events.append(f"decoded {instances}")

    def predicted(self, predicted: PredictedBlock) -> None:
        """Write it down."""
        assert self.held
        self.events.append(f"predicted {len(predicted.predictions)}")
        self.blocks.append(predicted)


def csv(body: bytes, options: Options | None = None, model: Model = ROOMS) -> BlockStream:
    """Begin to read CSV."""
    return open_csv(
        model.manifest, BytesIO(body), options or Options(), max_row_bytes=1024, max_rows=1_000_000
    )


def pictures(*files: bytes) -> BlockStream:
    """Begin to read pictures."""
    return BlockStream(blocks=picture_blocks(files, "image", max_pixels=1000, keep_faults=True))


def rows(instances: Sequence[object]) -> BlockStream:
    """Begin to read rows."""
    block = decode_rows(instances, ROOMS.manifest.signature.columns)
    return BlockStream(blocks=[block], ignored_columns=block.ignored_columns)


def test_answer_names_no_more_ignored_columns_than_a_person_reads() -> None:
    row = {"size": 1, "colour": "red", **{f"{'x' * 100}{number}": 0 for number in range(1000)}}

    (piece,) = Pipeline(ROOMS, Options()).answer(rows([row]), Pipeline.json_encoder)

    assert json.loads(piece)["ignored_columns"] == ["x" * 64] * 20


def test_table_is_answered_while_it_is_read() -> None:
    recorded = Recorded()
    pipeline = Pipeline(ROOMS, Options(), observer=recorded, slot=recorded)

    pieces = iter(pipeline.answer(csv(table(30_000)), Pipeline.csv_encoder))

    assert [event.split()[0] for event in recorded.events] == ["decoded", "predicted"]
    assert next(pieces) == b"prediction,warnings\n"
    before = len(recorded.blocks)
    text = b"".join(pieces)
    assert len(recorded.blocks) > before
    assert text.count(b"\n") == 30_000


def test_slot_is_held_while_computing_and_free_between_the_pieces() -> None:
    recorded = Recorded()
    pipeline = Pipeline(ROOMS, Options(), observer=recorded, slot=recorded)

    for _ in pipeline.answer(csv(table(30_000)), Pipeline.csv_encoder):
        assert recorded.held == 0

    assert len(recorded.blocks) > 1


def test_slot_is_free_after_a_failure() -> None:
    recorded = Recorded()
    model = Model(table_manifest(), fail_on_large)
    pipeline = Pipeline(model, Options(), slot=recorded)

    with pytest.raises(ZeroDivisionError):
        b"".join(
            pipeline.answer(csv(b"size,colour\n5000,red\n", model=model), Pipeline.csv_encoder)
        )

    assert recorded.held == 0


def test_pictures_are_answered_as_a_whole() -> None:
    files = [picture(left=index % 3 > 0) for index in range(200)]

    (piece,) = Pipeline(STROKES, Options()).answer(pictures(*files), Pipeline.json_encoder)

    labels = [each["label"] for each in json.loads(piece)["predictions"]]
    assert labels == ["right" if index % 3 == 0 else "left" for index in range(200)]


def test_blocks_of_pictures_are_predicted_while_the_next_is_decoded() -> None:
    threads: list[str] = []

    class Noted(Observer):
        @property
        def inference(self) -> AbstractContextManager[None]:  # type: ignore[override]
            threads.append(threading.current_thread().name)
            return nullcontext()

    files = pictures(*[picture()] * 200)
    Pipeline(STROKES, Options(), observer=Noted()).answer(files, Pipeline.json_encoder)

    assert len(threads) == 4
    assert [name.startswith("overlap") for name in threads] == [False, False, True, True]


def test_faults_of_all_blocks_are_told_together() -> None:
    files = [blank_picture(), *[picture()] * 64, picture()[:40]]

    with pytest.raises(InvalidInstances) as caught:
        Pipeline(STROKES, Options()).answer(pictures(*files), Pipeline.json_encoder)

    assert [fault.pointer for fault in caught.value.faults] == ["#/instances/0", "#/instances/65"]
    assert caught.value.count == 2


def test_blank_pictures_are_told_with_broken_ones() -> None:
    files = [picture(), picture()[:40], blank_picture(), picture()]

    with pytest.raises(InvalidInstances) as caught:
        Pipeline(STROKES, Options()).answer(pictures(*files), Pipeline.json_encoder)

    assert [fault.pointer for fault in caught.value.faults] == ["#/instances/1", "#/instances/2"]


def test_faults_are_counted_beyond_those_that_are_listed() -> None:
    endless = [{"size": 1e38, "colour": "red"}] * 30  # ten times that is no finite answer

    with pytest.raises(InvalidInstances, match=r"^30 faults were found\. The first 20 are"):
        Pipeline(ROOMS, Options()).answer(rows(endless), Pipeline.json_encoder)


def test_fault_of_the_first_block_refuses_a_table_before_any_piece() -> None:
    with pytest.raises(InvalidInstances):
        Pipeline(ROOMS, Options()).answer(csv(table(10, bad=[3])), Pipeline.csv_encoder)


def test_fault_of_a_later_block_is_raised_between_two_pieces() -> None:
    pieces = Pipeline(ROOMS, Options()).answer(
        csv(table(30_000, bad=[29_999])), Pipeline.csv_encoder
    )

    text = b""
    with pytest.raises(VitrineError):
        for piece in pieces:
            text += piece

    assert text.count(b"\n") > 100


def test_table_is_answered_alike_with_and_without_a_second_thread() -> None:
    body = table(60_000, bad=[40_000, 50_000])

    answers = {
        b"".join(
            Pipeline(ROOMS, Options(report=True), slot=slot).answer(csv(body), Pipeline.csv_encoder)
        )
        for slot in (Recorded(), Unlimited())
    }

    assert len(answers) == 1


def test_faults_are_reported_in_their_rows() -> None:
    pieces = Pipeline(ROOMS, Options(report=True)).answer(
        csv(table(3, bad=[1])), Pipeline.csv_encoder
    )

    header, _, bad, _ = b"".join(pieces).decode().splitlines()
    assert header == "prediction,warnings,error"
    assert bad.startswith(",,")


def test_network_input_is_told_to_the_observer_and_not_kept() -> None:
    recorded = Recorded()

    pipeline = Pipeline(ROOMS, Options(), observer=recorded, slot=recorded)
    with recorded:
        (predicted,) = pipeline.predict(rows([{"size": 1, "colour": "red"}]))

    assert sorted(recorded.blocks[0].predictions.tensors) == ["colour", "size"]
    assert predicted.predictions.tensors == {}


def test_request_gives_way_after_each_explanation() -> None:
    recorded = Recorded()
    pipeline = Pipeline(ROOMS, Options(explain=True), observer=recorded, slot=recorded)

    (piece,) = pipeline.answer(rows([{"size": 1, "colour": "red"}] * 3), Pipeline.json_encoder)

    assert recorded.events.count("gave way") == 3
    records: list[Any] = json.loads(piece)["predictions"]
    assert all("contributions" in record["explanation"] for record in records)


def test_request_gives_way_between_its_blocks_and_not_after_the_last() -> None:
    recorded = Recorded()
    block = decode_rows([{"size": 1, "colour": "red"}], ROOMS.manifest.signature.columns)
    pipeline = Pipeline(ROOMS, Options(), slot=recorded)

    list(pipeline.answer(BlockStream(blocks=[block] * 3), Pipeline.json_encoder))

    assert recorded.events.count("gave way") == 2


def test_no_more_instances_are_explained_than_allowed() -> None:
    pipeline = Pipeline(ROOMS, Options(explain=True), max_explained=2)

    with pytest.raises(TooManyInstances):
        pipeline.answer(rows([{"size": 1, "colour": "red"}] * 3), Pipeline.json_encoder)


def test_blocks_are_decoded_only_when_they_are_asked_for() -> None:
    def blocks() -> Iterator[Block]:
        yield decode_rows([{"size": 1, "colour": "red"}], ROOMS.manifest.signature.columns)
        pytest.fail("the second block was decoded before it was asked for")

    stream = csv(table(1))
    predicted = Pipeline(ROOMS, Options()).predict(BlockStream(blocks=blocks(), table=stream.table))

    assert len(next(predicted).predictions) == 1


PROBABILITIES = st.sampled_from((0.0, 0.5, 1.0, 1e-30, 0.1)) | st.floats(0, 1, width=32)
VALUES = st.sampled_from((0.0, -0.0, 1e-30, 3e38)) | st.floats(width=32, allow_nan=False)


def array(data: st.DataObject, *shape: int, of: st.SearchStrategy[float]) -> NDArray[Any]:
    """Draw an array of float32."""
    count = int(np.prod(shape))
    drawn = data.draw(st.lists(of, min_size=count, max_size=count))
    return np.array(drawn, dtype=np.float32).reshape(shape)


def drawn_confidence(data: st.DataObject, output: PredictionOutput, count: int) -> Confidence:
    """Draw how far to trust predictions of some kind."""
    credibility = array(data, count, of=PROBABILITIES).astype(np.float64)
    if isinstance(output, ProbabilitiesOutput):
        sets = array(data, count, len(output.labels), of=PROBABILITIES) >= 0.5
        below = data.draw(st.none() | PROBABILITIES)
        return Confidence(coverage=0.9, sets=sets, credibility=credibility, abstain_below=below)
    if isinstance(output, ValueOutput):
        return Confidence(coverage=0.9, intervals=array(data, count, 2, of=VALUES))
    return Confidence(credibility=credibility)


def plain_record(predictions: Predictions, index: int, top: int | None) -> dict[str, Any]:
    """Make the record of one prediction, step by step."""
    output, confidence, value = (
        predictions.output,
        predictions.confidence,
        predictions.values[index],
    )
    record: dict[str, Any] = {}
    if isinstance(output, ProbabilitiesOutput | LabelsOutput):
        ranks = sorted(range(len(output.labels)), key=lambda label: -value[label])[:top]
        ranked = {output.labels[label]: value[label] for label in ranks}
        if isinstance(output, LabelsOutput):
            given = [label for label, each in zip(output.labels, value, strict=True) if each >= 0.5]
            record |= {"labels": given, "probabilities": ranked}
        else:
            best = ranks[0]
            record |= {"label": output.labels[best], "probability": value[best]}
            record["probabilities"] = ranked
    else:
        record["anomaly_score" if isinstance(output, AnomalyOutput) else "value"] = value
    if confidence is not None:
        if confidence.sets is not None and isinstance(output, ProbabilitiesOutput):
            members = zip(output.labels, confidence.sets[index], strict=True)
            record["set"] = [label for label, is_member in members if is_member]
        if confidence.intervals is not None:
            lower, upper = confidence.intervals[index]
            record["interval"] = {"lower": lower, "upper": upper, "coverage": confidence.coverage}
        if confidence.credibility is not None:
            credibility = record["credibility"] = confidence.credibility[index]
            if confidence.abstain_below is not None and credibility < confidence.abstain_below:
                record |= {"label": None, "probability": None}
                record["reason"] = confidence.reason(index)
    if index in predictions.warnings:
        record["warnings"] = predictions.warnings[index]
    return record


@given(st.data())
def test_json_is_that_of_records_made_step_by_step(data: st.DataObject) -> None:
    many = tuple(f'label {index} ä"' for index in range(70))
    manifest = data.draw(
        st.sampled_from(
            (
                *(picture_manifest(), table_manifest(), anomaly_manifest()),
                *(labels_manifest(), labels_manifest(labels=many)),
            )
        )
    )
    output = manifest.signature.prediction
    count = data.draw(st.integers(0, 5))
    of = VALUES if isinstance(output, ValueOutput | AnomalyOutput) else PROBABILITIES
    confidence = drawn_confidence(data, output, count) if data.draw(st.booleans()) else None
    if isinstance(output, LabelsOutput):
        confidence = None
    indices = st.integers(0, max(0, count - 1))
    warnings = data.draw(st.dictionaries(indices, st.just(["one", "ä"]), max_size=count))
    predictions = Predictions(
        output,
        array(data, count, *values_shape(output), of=of),
        warnings if count else {},
        confidence=confidence,
    )
    errors = data.draw(st.dictionaries(st.integers(0, count), st.text(), max_size=2))
    explanations = [{"method": index} for index in range(count)] if data.draw(st.booleans()) else []
    rows = count + len(errors)
    top = data.draw(st.none() | st.integers(1, 80))
    block = PredictedBlock(Block(instances={}, rows=rows), predictions, errors, explanations)

    text = JsonEncoder(Model(manifest, price), top=top).encode(block)

    records = [plain_record(predictions, index, top) for index in range(count)]
    for record, explanation in zip(records, explanations, strict=False):
        record["explanation"] = explanation
    good = iter(records)
    expected = [{"error": errors[row]} if row in errors else next(good) for row in range(rows)]
    assert text == orjson.dumps(expected, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
