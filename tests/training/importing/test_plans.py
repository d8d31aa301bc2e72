"""How a network is served, and networks whose inputs cannot be served or need an option."""

import dataclasses
from pathlib import Path

import pytest

from tests.training.importing.conftest import interface
from training.errors import CannotTrain
from training.importing.interfaces import NetworkInterface, Tensor
from training.importing.options import ImportOptions
from training.importing.plans import make_plan

PUZZLES = {
    "levels not given": (interface(28, 28, scales=False), ImportOptions(), "Give --levels 0-1"),
    "levels not seen": (
        interface(28, 28, scales=None),
        ImportOptions(),
        "The file does not tell whether the network scales its pictures",
    ),
    "picture of any size": (
        interface(None, None, 3),
        ImportOptions(),
        "one picture of a fixed size",
    ),
    "four channels": (
        interface(8, 8, 4),
        ImportOptions(),
        r"Received: input \(8, 8, 4\) of float32",
    ),
    "unknown geometry": (interface(28, 28), ImportOptions(geometry="round"), "no geometry 'round'"),
    "too large for the geometry": (
        interface(32, 32),
        ImportOptions(geometry="mnist"),
        "28 x 28 in gray",
    ),
    "sample of pictures": (
        interface(28, 28, 1),
        ImportOptions(sample=Path("x.csv")),
        "this one takes a picture",
    ),
    "sample with levels": (
        interface(60, 1),
        ImportOptions(sample=Path("x.csv"), levels="0-1"),
        "leave --levels and --geometry out if the two axes",
    ),
    "levels of a row": (
        interface(12),
        ImportOptions(levels="0-1"),
        r"for networks of pictures, but this one takes input \(12\)",
    ),
    "steps or rows of a picture": (
        interface(28, 28, takes_steps=True, scales=False),
        ImportOptions(),
        "28 time steps of 28 features, which may also be the rows of a picture",
    ),
    "picture or steps": (interface(9, 9, scales=None), ImportOptions(), "are time steps of feat"),
    "any number of steps": (
        interface(None, 2),
        ImportOptions(),
        "any number of time steps of 2 features, so its number of columns is not known",
    ),
    "too many steps": (
        interface(500, 9),
        ImportOptions(),
        "500 time steps of 9 features. That is 4500 columns; a model has at most 1200",
    ),
    "frames": (interface(5, 8, 8, 3), ImportOptions(), "one picture of a fixed size"),
    "no sample there": (interface(4), ImportOptions(sample=Path("none.csv")), "cannot be read"),
}


@pytest.mark.parametrize(("network", "options", "message"), PUZZLES.values(), ids=PUZZLES)
def test_network_whose_inputs_cannot_be_served_is_refused(
    network: NetworkInterface, options: ImportOptions, message: str
) -> None:
    with pytest.raises(CannotTrain, match=message):
        make_plan(network, options)


AXES = {
    "not square": (interface(60, 1), ImportOptions(), "columns"),
    "not square, read as steps": (interface(28, 9, takes_steps=True), ImportOptions(), "columns"),
    "not square, with levels": (interface(60, 1), ImportOptions(levels="0-1"), "picture"),
    "square": (interface(28, 28), ImportOptions(), "picture"),
    "square, read as steps, rescaled": (
        interface(28, 28, takes_steps=True),
        ImportOptions(),
        "picture",
    ),
    "square, read as steps, with levels": (
        interface(28, 28, takes_steps=True, scales=False),
        ImportOptions(levels="0-1"),
        "picture",
    ),
    "square, read as steps, with a geometry": (
        interface(28, 28, takes_steps=True),
        ImportOptions(geometry="fashion"),
        "picture",
    ),
    "784 with levels": (interface(784), ImportOptions(levels="0-1"), "picture"),
    "784": (interface(784), ImportOptions(), "columns"),
}


@pytest.mark.parametrize(("network", "options", "kind"), AXES.values(), ids=AXES)
def test_axes_are_a_picture_or_columns(
    network: NetworkInterface, options: ImportOptions, kind: str
) -> None:
    assert make_plan(network, options).input_kind == kind


def test_time_steps_become_columns_step_by_step() -> None:
    plan = make_plan(interface(2, 3), ImportOptions())

    names = [spec.name for spec in plan.signature.inputs]
    assert names == ["t1_x1", "t1_x2", "t1_x3", "t2_x1", "t2_x2", "t2_x3"]
    assert "takes 2 time steps of 3 features, so the model has 6 columns" in plan.notes[0]


def test_levels_of_a_network_that_scales_are_noted() -> None:
    (note,) = make_plan(interface(28, 28, 1), ImportOptions(levels="0-1")).notes

    assert "Leave --levels out if they were not changed before training" in note


def test_steps_of_a_square_are_columns_with_a_sample(tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text("a,b,c,d\n1,2,3,4\n", encoding="utf-8")

    plan = make_plan(interface(2, 2, takes_steps=True), ImportOptions(sample=sample))

    assert [spec.name for spec in plan.signature.inputs] == ["a", "b", "c", "d"]
    assert not plan.notes


@pytest.mark.parametrize("shape", [(None,), (None, 2), (2, None)], ids=str)
def test_sample_tells_a_length_that_is_open(tmp_path: Path, shape: tuple[int | None, ...]) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text("a,b,c,d\n1,2,3,4\n", encoding="utf-8")

    plan = make_plan(interface(*shape), ImportOptions(sample=sample))

    (tensor,) = plan.tensors
    assert tensor.size == 4
    assert None not in tensor.shape


def test_several_rows_become_columns_one_after_the_other() -> None:
    rows = (Tensor("wide", (2,), "float32"), Tensor("deep", (1,), "float32"))

    plan = make_plan(dataclasses.replace(interface(), inputs=rows), ImportOptions())

    assert [spec.name for spec in plan.signature.inputs] == ["wide_1", "wide_2", "deep"]
