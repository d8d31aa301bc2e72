"""Blocks of instances -> predictions -> the pieces of an answer, without HTTP."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from typing import Any

import pytest

from tests.bundles import picture_manifest, table_manifest
from tests.fakes import blank_picture, fail_on_large, picture, price, table, weigh
from vitrine.block_stream import BlockStream, open_csv
from vitrine.errors import InvalidInstances, TooManyInstances, VitrineError
from vitrine.model import Model
from vitrine.observer import Observer, Unlimited
from vitrine.options import Options
from vitrine.pictures import picture_blocks
from vitrine.pipeline import Pipeline
from vitrine.predictions import PredictedBlock
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
    return BlockStream(blocks=[decode_rows(instances, ROOMS.manifest.signature.columns)])


def test_table_is_answered_while_it_is_read() -> None:
    recorded = Recorded()
    pipeline = Pipeline(ROOMS, Options(), observer=recorded, slot=recorded)

    pieces = iter(pipeline.answer(csv(table(30_000)), as_csv=True))

    assert [event.split()[0] for event in recorded.events] == ["decoded", "predicted"]
    assert next(pieces) == b"prediction,warnings\n"
    before = len(recorded.blocks)
    text = b"".join(pieces)
    assert len(recorded.blocks) > before
    assert text.count(b"\n") == 30_000


def test_slot_is_held_while_computing_and_free_between_the_pieces() -> None:
    recorded = Recorded()
    pipeline = Pipeline(ROOMS, Options(), observer=recorded, slot=recorded)

    for _ in pipeline.answer(csv(table(30_000)), as_csv=True):
        assert recorded.held == 0

    assert len(recorded.blocks) > 1


def test_slot_is_free_after_a_failure() -> None:
    recorded = Recorded()
    model = Model(table_manifest(), fail_on_large)
    pipeline = Pipeline(model, Options(), slot=recorded)

    with pytest.raises(ZeroDivisionError):
        b"".join(pipeline.answer(csv(b"size,colour\n5000,red\n", model=model), as_csv=True))

    assert recorded.held == 0


def test_pictures_are_answered_as_a_whole() -> None:
    (piece,) = Pipeline(STROKES, Options()).answer(pictures(*[picture()] * 20), as_csv=False)

    assert len(json.loads(piece)["predictions"]) == 20


def test_faults_of_all_blocks_are_told_together() -> None:
    files = [blank_picture(), *[picture()] * 16, picture()[:40]]

    with pytest.raises(InvalidInstances) as caught:
        Pipeline(STROKES, Options()).answer(pictures(*files), as_csv=False)

    assert [fault.pointer for fault in caught.value.faults] == ["#/instances/0", "#/instances/17"]
    assert caught.value.count == 2


def test_faults_are_counted_beyond_those_that_are_listed() -> None:
    endless = [{"size": 1e38, "colour": "red"}] * 30  # ten times that is no finite answer

    with pytest.raises(InvalidInstances, match=r"^30 faults were found\. The first 20 are"):
        Pipeline(ROOMS, Options()).answer(rows(endless), as_csv=False)


def test_fault_of_the_first_block_refuses_a_table_before_any_piece() -> None:
    with pytest.raises(InvalidInstances):
        Pipeline(ROOMS, Options()).answer(csv(table(10, bad=[3])), as_csv=True)


def test_fault_of_a_later_block_is_raised_between_two_pieces() -> None:
    pieces = Pipeline(ROOMS, Options()).answer(csv(table(30_000, bad=[29_999])), as_csv=True)

    text = b""
    with pytest.raises(VitrineError):
        for piece in pieces:
            text += piece

    assert text.count(b"\n") > 100


def test_table_is_answered_alike_with_and_without_a_second_thread() -> None:
    body = table(60_000, bad=[40_000, 50_000])

    answers = {
        b"".join(Pipeline(ROOMS, Options(report=True), slot=slot).answer(csv(body), as_csv=True))
        for slot in (Recorded(), Unlimited())
    }

    assert len(answers) == 1


def test_faults_are_reported_in_their_rows() -> None:
    pieces = Pipeline(ROOMS, Options(report=True)).answer(csv(table(3, bad=[1])), as_csv=True)

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

    (piece,) = pipeline.answer(rows([{"size": 1, "colour": "red"}] * 3), as_csv=False)

    assert recorded.events.count("gave way") == 3
    records: list[Any] = json.loads(piece)["predictions"]
    assert all("contributions" in record["explanation"] for record in records)


def test_no_more_instances_are_explained_than_allowed() -> None:
    pipeline = Pipeline(ROOMS, Options(explain=True), max_explained=2)

    with pytest.raises(TooManyInstances):
        pipeline.answer(rows([{"size": 1, "colour": "red"}] * 3), as_csv=False)


def test_blocks_are_decoded_only_when_they_are_asked_for() -> None:
    def blocks() -> Iterator[Block]:
        yield decode_rows([{"size": 1, "colour": "red"}], ROOMS.manifest.signature.columns)
        pytest.fail("the second block was decoded before it was asked for")

    stream = csv(table(1))
    predicted = Pipeline(ROOMS, Options()).predict(BlockStream(blocks=blocks(), table=stream.table))

    assert len(next(predicted).predictions) == 1
