"""Instances that neither of two versions was trained on."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.bundles import (
    ORIGIN,
    write_anomaly_bundle,
    write_labels_bundle,
    write_picture_bundle,
)
from tests.pictures import saved
from tests.training.conftest import drawn_digits
from tests.training.versions.conftest import made_from, rewrite, write_rooms
from training.datasets.csv_files import read_csv
from training.datasets.picture_sets import PictureSet
from training.datasets.table_splits import split_off_test_rows
from training.datasets.targets import read_targets
from training.errors import CannotTrain
from training.versions.held_out import HeldOutOptions, ModelPair, find_held_out
from training.versions.scores import score_pair
from vitrine.loading import load_version
from vitrine.signature import Dialect, ProbabilitiesOutput


def test_diff_takes_only_rows_that_both_were_tested_on(rooms: ModelPair, tmp_path: Path) -> None:
    file = write_rooms(tmp_path / "rooms.csv")
    both = tuple(
        load_version(
            rewrite(tmp_path / "rooms" / str(n), origin=made_from(file, test=size)), threads=1
        )
        for n, size in ((1, 8), (2, 20))
    )

    held_out = find_held_out((both[0], both[1]), HeldOutOptions(file=file))

    targets = read_targets(read_csv(file), ["price"], "regression")
    assert sorted(held_out.y) == sorted(targets.y[split_off_test_rows(targets, 0.2)[1]])


def test_diff_reads_numbers_with_the_marks_of_the_training(
    rooms: ModelPair, tmp_path: Path
) -> None:
    file = tmp_path / "rooms.csv"
    file.write_text("size;colour;price\n" + "".join(f"{n};red;1{n}.250\n" for n in range(40)))
    dialect = Dialect(delimiter=";")
    origin = made_from(file, test=8)
    model = load_version(
        rewrite(tmp_path / "rooms" / "1", origin=origin, dialect=dialect), threads=1
    )

    held_out = find_held_out((model, model), HeldOutOptions(file=file))

    assert held_out.y.max() < 1000


def test_diff_says_which_version_may_know_the_rows(rooms: ModelPair, tmp_path: Path) -> None:
    held_out = find_held_out(rooms, HeldOutOptions(file=write_rooms(tmp_path / "rooms.csv")))

    assert len(held_out.y) == 40
    assert [line for line in held_out.notes if "was trained on other data, made" in line] == [
        f"Version {n} was trained on other data, made. It may have seen some of rooms.csv in "
        "training, or nothing like it."
        for n in (1, 2)
    ]


def test_diff_of_pictures_uses_the_test_part_of_their_set(
    picture_bundle: Path, drawn_set: PictureSet, idx_folder: Path
) -> None:
    model = load_version(picture_bundle, threads=1)

    held_out = find_held_out(
        (model, model), HeldOutOptions(data=idx_folder), sets={drawn_set.name: drawn_set}
    )

    assert held_out.notes == ("On the 40 pictures of the test part of drawn:",)
    values = model.predict(held_out.instances[0]).values
    accuracy, _ = score_pair((model, model), (values, values), held_out)
    test = model.manifest.scores["test"]
    assert accuracy.scores == pytest.approx((test["accuracy"], test["accuracy"]))
    assert (accuracy.difference, accuracy.error) == (0, 0)


def test_diff_of_pictures_says_which_version_may_know_them(
    picture_bundle: Path, drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    own = load_version(picture_bundle, threads=1)
    other = load_version(
        rewrite(
            write_picture_bundle(tmp_path, version=2),
            target=own.manifest.target,
            origin=msgspec.structs.replace(ORIGIN, data="sketches"),
        ),
        threads=1,
    )

    held_out = find_held_out(
        (own, other), HeldOutOptions(data=idx_folder), sets={drawn_set.name: drawn_set}
    )

    assert held_out.notes[1:] == (
        "Version 2 was trained on other data, sketches. It may have seen some of drawn in "
        "training, or nothing like it.",
    )


def test_diff_of_pictures_uses_the_folder_that_is_named(
    picture_bundle: Path, tmp_path: Path
) -> None:
    pixels, codes = drawn_digits(400, seed=4)
    for number, (each, code) in enumerate(zip(pixels, codes, strict=True)):
        if code in {7, 3}:  # in another order than the network's labels
            folder = tmp_path / "digits" / str(code)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.png").write_bytes(saved(each))
    model = load_version(picture_bundle, threads=1)

    held_out = find_held_out((model, model), HeldOutOptions(pictures=str(tmp_path / "digits")))

    assert held_out.notes[0] == "On the 16 pictures of the test part of digits:"
    predictions = model.predict(held_out.instances[0])
    accuracy, _ = score_pair((model, model), (predictions.values, predictions.values), held_out)
    # The most probable label counts among those that the folder has.
    output = model.manifest.signature.prediction
    assert isinstance(output, ProbabilitiesOutput)
    columns = [output.labels.index(label) for label in held_out.labels]
    answered = predictions.values[:, columns].argmax(axis=1)
    assert accuracy.scores[0] == pytest.approx(np.mean(answered == held_out.y))


def test_versions_that_predict_different_things_are_not_compared(
    rooms: ModelPair, tmp_path: Path
) -> None:
    other = load_version(write_labels_bundle(tmp_path), threads=1)

    with pytest.raises(CannotTrain, match="Both versions must predict the same"):
        find_held_out((rooms[0], other), HeldOutOptions())


def test_anomalies_are_not_compared(tmp_path: Path) -> None:
    model = load_version(write_anomaly_bundle(tmp_path), threads=1)

    with pytest.raises(CannotTrain, match="Versions that detect anomalies cannot be compared"):
        find_held_out((model, model), HeldOutOptions())


def test_rows_must_be_named(rooms: ModelPair) -> None:
    with pytest.raises(
        CannotTrain,
        match=r"target with --file\. Version 1 was trained on made",
    ):
        find_held_out(rooms, HeldOutOptions())


def test_pictures_of_no_published_set_are_not_compared(tmp_path: Path) -> None:
    model = load_version(write_picture_bundle(tmp_path), threads=1)

    with pytest.raises(CannotTrain, match="Give a picture set or a folder with --pictures"):
        find_held_out((model, model), HeldOutOptions())


def test_file_must_have_every_column(rooms: ModelPair, tmp_path: Path) -> None:
    file = write_rooms(tmp_path / "rooms.csv")
    file.write_text(file.read_text().replace("colour", "color"))

    with pytest.raises(CannotTrain, match="The file has no column colour, which version 1 takes"):
        find_held_out(rooms, HeldOutOptions(file=file))
