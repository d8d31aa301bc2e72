"""Faults come in the order of rows and columns, and steps with their index."""

import numpy as np

from vitrine.errors import MAX_FAULTS, Fault
from vitrine.tables.blocks import WHOLE_ROW, Block, summarise_faults


def located(row: int, column: int, text: str) -> Fault:
    return Fault(detail=f"{row}/{column} {text}")


def test_faults_are_in_the_order_of_rows_and_columns() -> None:
    summary = summarise_faults({2: {1: "b", 0: "a"}, 0: {3: "c", WHOLE_ROW: "row"}}, located)

    assert [fault.detail for fault in summary.faults] == ["0/-1 row", "0/3 c", "2/0 a", "2/1 b"]
    assert summary.fault_count == 4
    assert summary.errors == {0: "0/-1 row 0/3 c", 2: "2/0 a 2/1 b"}


def test_faults_beyond_the_limit_are_counted() -> None:
    summary = summarise_faults({row: {0: "a", 1: "b"} for row in range(100)}, located)

    assert (len(summary.faults), summary.fault_count) == (MAX_FAULTS, 200)
    assert len(summary.errors) == 100


def test_error_of_a_row_has_its_first_five_faults() -> None:
    summary = summarise_faults({7: dict.fromkeys(range(8), "x")}, located)

    assert summary.errors == {7: "7/0 x 7/1 x 7/2 x 7/3 x 7/4 x This row has 3 more faults."}


def test_steps_belong_to_the_pictures_without_a_fault() -> None:
    block = Block(
        instances={"image": np.empty(2, object)},
        rows=4,
        errors={0: "broken", 2: "broken"},
        steps=[("turned upright",), ()],
    )

    assert block.steps_by_index() == {1: ("turned upright",), 3: ()}
