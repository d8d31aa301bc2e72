"""What has been published is listed, shown and compared as it is."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.bundles import (
    ORIGIN,
    rewrite_manifest,
    write_anomaly_bundle,
    write_labels_bundle,
    write_picture_bundle,
    write_table_bundle,
)
from tests.pictures import saved
from tests.training.conftest import drawn_digits
from training.__main__ import main
from training.datasets.csv_files import hash_file, read_csv
from training.datasets.picture_sets import PictureSet
from training.datasets.table_splits import split_off_test_rows
from training.datasets.targets import read_targets
from training.differences import Asked, Both, HeldOut, changes, compare, find_held_out
from training.errors import CannotTrain
from vitrine import bundle
from vitrine.bundle import Origin
from vitrine.loading import load_version

ROOT = Path(__file__).parents[2]


def rewrite(folder: Path, **changes: Any) -> Path:
    """Change what a bundle's manifest says."""
    manifest = msgspec.structs.replace(bundle.read_manifest(folder), **changes)
    (folder / bundle.MANIFEST_NAME).unlink()
    rewrite_manifest(folder, manifest)
    return folder


def made_from(file: Path, *, test: int) -> Origin:
    """Describe a training on a file."""
    return msgspec.structs.replace(
        ORIGIN, data=file.name, data_sha256=hash_file(file), split={"train": 1, "test": test}
    )


def write_rooms(path: Path, rows: int = 40) -> Path:
    """Write rows of which version 1 of "rooms" knows the price, 10 * size + 2, to a few units."""
    noise = np.random.default_rng(0).normal(0, 3, rows)
    lines = [f"{size},blue,{10 * size + 2 + noise[size]:.3f}" for size in range(rows)]
    path.write_text("size,colour,price\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def rooms(tmp_path: Path) -> Both:
    """Two versions, of which the second says 1 more."""
    folders = [write_table_bundle(tmp_path, version=n, more=n - 1.0) for n in (1, 2)]
    return load_version(folders[0], threads=1), load_version(folders[1], threads=1)


def test_list_has_a_line_for_every_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"test": {"rmse": 1234.5, "rmse_standard_error": 321.0}}
    rewrite(write_table_bundle(tmp_path), scores=scores)
    write_table_bundle(tmp_path, version=2)
    (write_picture_bundle(tmp_path) / bundle.MANIFEST_NAME).write_text("{")

    status = main(["list", "--models", str(tmp_path)])

    assert status == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "model version task data test score size published",
        "rooms 1 regression made rmse 1234.5 ± 321 0 kB 2026-01-01",
        "rooms 2 regression made not scored 0 kB 2026-01-01",
        "strokes 1 cannot be read",
    ]


def test_names_with_brackets_are_listed_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = msgspec.structs.replace(ORIGIN, data="[red]x[/].csv")
    rewrite(write_table_bundle(tmp_path), origin=named)

    main(["list", "--models", str(tmp_path)])

    assert "[red]x[/].csv" in capsys.readouterr().out


def test_list_of_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["list", "--models", str(tmp_path)])

    assert "Nothing has been published under" in capsys.readouterr().out


def test_list_of_a_folder_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["list", "--models", str(tmp_path / "none")])

    assert status == 1
    assert "cannot be read: No such file or directory." in capsys.readouterr().err


@pytest.mark.parametrize("words", [["list"], ["show", "rooms"]], ids=["list", "show"])
def test_catalogue_starts_without_tensorflow(tmp_path: Path, words: list[str]) -> None:
    write_table_bundle(tmp_path)
    program = (
        "import sys; from training.__main__ import main; main(sys.argv[1:]); "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program, *words, "--models", tmp_path], cwd=ROOT, check=False
    )

    assert finished.returncode == 0


def test_show_prints_the_card_and_an_answer_about_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (write_table_bundle(tmp_path) / "CARD.md").write_text("# Rooms\n\nWhat they cost.\n")

    main(["show", "rooms", "--models", str(tmp_path)])

    shown = capsys.readouterr().out
    assert "What they cost." in shown
    assert "│ size   │ 1     │" in shown
    assert "│ colour │ red   │" in shown
    assert "What version 1 predicts of price" in shown
    assert "13" in shown.splitlines()[-1]


def test_newest_version_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for version in (9, 10):
        write_table_bundle(tmp_path, version=version)

    main(["show", "rooms", "--models", str(tmp_path)])

    assert "What version 10 predicts" in capsys.readouterr().out


def test_show_of_a_version_tells_a_picture_by_its_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_picture_bundle(tmp_path)
    write_picture_bundle(tmp_path, version=2)

    main(["show", "strokes", "--version", "1", "--models", str(tmp_path)])

    shown = capsys.readouterr().out
    assert "picture of 28 x 28 x 1" in shown
    assert "What version 1 predicts" in shown
    assert "left 0.5, right 0.5" in shown


UNKNOWN = {
    "model": (["show", "cellars"], "There is no model 'cellars'"),
    "name that leaves the folder": (["show", "../rooms"], "There is no model '../rooms'"),
    "version": (["show", "rooms", "--version", "3"], "rooms has no version 3; it has 1."),
    "version of two": (["diff", "rooms", "1", "2"], "rooms has no version 2; it has 1."),
    "damaged": (["show", "strokes"], "does not have the bytes that were published"),
}


@pytest.mark.parametrize(("words", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_version_that_cannot_be_shown_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    write_table_bundle(tmp_path)
    (write_picture_bundle(tmp_path) / bundle.GOLDEN_NAME).write_bytes(b"")

    status = main([*words, "--models", str(tmp_path)])

    assert status == 1
    assert message in capsys.readouterr().err


def test_diff_scores_both_versions_on_the_same_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_rooms(tmp_path / "rooms.csv")
    for version in (1, 2):
        folder = write_table_bundle(tmp_path / "models", version=version, more=version - 1.0)
        rewrite(folder, origin=made_from(file, test=10))

    models = str(tmp_path / "models")
    status = main(["diff", "rooms", "1", "2", "--models", models, "--file", str(file)])

    assert status == 0
    told = capsys.readouterr().out
    assert "On 10 rows of rooms.csv:" in told
    assert "was made from other data" not in told
    assert "Half of the answers are 1 or more apart" in told


def test_error_of_a_difference_is_that_of_pairs(rooms: Both, tmp_path: Path) -> None:
    held_out = find_held_out(rooms, Asked(file=write_rooms(tmp_path / "rooms.csv")))
    values = (rooms[0].predict(held_out.instances[0]), rooms[1].predict(held_out.instances[1]))

    rmse, mae = compare(rooms, (values[0].values, values[1].values), held_out)

    errors = [each.values - held_out.y for each in values]
    apart = np.abs(errors[1]) - np.abs(errors[0])
    assert mae.difference == pytest.approx(apart.mean(), rel=1e-5)
    assert mae.error == pytest.approx(apart.std(ddof=1) / np.sqrt(40), rel=1e-5)
    assert rmse.scores == pytest.approx([np.sqrt(np.mean(each**2)) for each in errors], rel=1e-5)
    chosen = np.random.default_rng(0).integers(0, 40, (20_000, 40))
    drawn = [np.sqrt(np.mean(each[chosen] ** 2, axis=1)) for each in errors]
    assert rmse.error == pytest.approx(np.std(drawn[1] - drawn[0]), rel=0.1)


def test_diff_takes_only_rows_that_both_were_tested_on(rooms: Both, tmp_path: Path) -> None:
    file = write_rooms(tmp_path / "rooms.csv")
    both = tuple(
        load_version(
            rewrite(tmp_path / "rooms" / str(n), origin=made_from(file, test=size)), threads=1
        )
        for n, size in ((1, 8), (2, 20))
    )

    held_out = find_held_out((both[0], both[1]), Asked(file=file))

    targets = read_targets(read_csv(file), ["price"], "regression")
    assert sorted(held_out.y) == sorted(targets.y[split_off_test_rows(targets, 0.2)[1]])


def test_diff_says_which_version_may_know_the_rows(rooms: Both, tmp_path: Path) -> None:
    held_out = find_held_out(rooms, Asked(file=write_rooms(tmp_path / "rooms.csv")))

    assert len(held_out.y) == 40
    assert [line for line in held_out.said if "was made from other data, made" in line] == [
        f"Version {n} was made from other data, made: it may know some of rooms.csv, or nothing "
        "like it."
        for n in (1, 2)
    ]


def test_diff_of_pictures_uses_the_test_part_of_their_set(
    picture_bundle: Path, drawn_set: PictureSet, idx_folder: Path
) -> None:
    model = load_version(picture_bundle, threads=1)

    held_out = find_held_out(
        (model, model), Asked(data=idx_folder), sets={drawn_set.name: drawn_set}
    )

    assert held_out.said == ("On the 40 pictures of the test part of drawn:",)
    values = model.predict(held_out.instances[0]).values
    accuracy, _ = compare((model, model), (values, values), held_out)
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

    held_out = find_held_out((own, other), Asked(data=idx_folder), sets={drawn_set.name: drawn_set})

    assert held_out.said[1:] == (
        "Version 2 was made from other data, sketches: it may know some of drawn, or nothing like "
        "it.",
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

    held_out = find_held_out((model, model), Asked(pictures=str(tmp_path / "digits")))

    assert held_out.said[0] == "On the 16 pictures of the test part of digits:"
    predictions = model.predict(held_out.instances[0])
    accuracy, _ = compare((model, model), (predictions.values, predictions.values), held_out)
    truth = np.array(held_out.labels)[held_out.y]
    assert accuracy.scores[0] == pytest.approx(np.mean(predictions.labels() == truth))


def test_changed_labels_are_counted(tmp_path: Path) -> None:
    model = load_version(write_picture_bundle(tmp_path), threads=1)
    left, right = [0.9, 0.1], [0.2, 0.8]
    before = np.array([left, left, left, right], np.float32)
    after = np.array([right, right, left, left], np.float32)
    held_out = HeldOut(({}, {}), np.array([1, 0, 0, 0]), ("left", "right"), ())

    told = changes((model, model), (before, after), held_out)

    assert told == [
        "3 of 4 answers differ: 2 right now, 1 wrong now, 0 wrong both times.",
        "  left became right: 2",
        "  right became left: 1",
    ]


def test_labels_are_compared_each_by_itself(tmp_path: Path) -> None:
    model = load_version(write_labels_bundle(tmp_path), threads=1)
    labels = ("small", "large", "red")
    held_out = HeldOut(({}, {}), np.array([[1, 0, 1], [0, 1, 0]], np.float32), labels, ())
    before = np.array([[0.9, 0.1, 0.9], [0.1, 0.1, 0.1]], np.float32)
    after = np.array([[0.9, 0.1, 0.9], [0.1, 0.9, 0.1]], np.float32)

    (score,) = compare((model, model), (before, after), held_out)

    assert score.scores == pytest.approx((5 / 6, 1))
    assert changes((model, model), (before, after), held_out) == ["1 of 2 answers differ."]


def test_versions_that_predict_different_things_are_not_compared(
    rooms: Both, tmp_path: Path
) -> None:
    other = load_version(write_labels_bundle(tmp_path), threads=1)

    with pytest.raises(CannotTrain, match="Both versions must predict the same"):
        find_held_out((rooms[0], other), Asked())


def test_anomalies_are_not_compared(tmp_path: Path) -> None:
    model = load_version(write_anomaly_bundle(tmp_path), threads=1)

    with pytest.raises(CannotTrain, match="Nothing tells how strange"):
        find_held_out((model, model), Asked())


def test_rows_must_be_named(rooms: Both) -> None:
    with pytest.raises(CannotTrain, match="Say with --file where the rows are: made"):
        find_held_out(rooms, Asked())


def test_pictures_of_no_published_set_are_not_compared(tmp_path: Path) -> None:
    model = load_version(write_picture_bundle(tmp_path), threads=1)

    with pytest.raises(CannotTrain, match="Say with --pictures which set"):
        find_held_out((model, model), Asked())


def test_file_must_have_every_column(rooms: Both, tmp_path: Path) -> None:
    file = write_rooms(tmp_path / "rooms.csv")
    file.write_text(file.read_text().replace("colour", "color"))

    with pytest.raises(CannotTrain, match="The file lacks colour, which version 1 takes"):
        find_held_out(rooms, Asked(file=file))
