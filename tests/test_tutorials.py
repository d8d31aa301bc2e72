"""Each idea of the tutorials on small data, from its command to an answer over HTTP."""

import csv
import json
import re
import shlex
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from tests.servers import ROOT, Server, serving
from training.__main__ import main

TABLE = ["--hidden", "4", "4", "--epochs", "40", "--force"]
SEVEN = ("image/png", (ROOT / "examples/seven.png").read_bytes())


@dataclass(frozen=True, slots=True)
class Workplace:
    """A running server, and the folder in which it finds models and the tests make data."""

    server: Server
    folder: Path

    def train(self, *words: str) -> None:
        """Run a command of training, which publishes into the server's folder."""
        options = [] if words[0] == "show" else ["--models", str(self.folder / "models")]
        assert main([*words, *options]) == 0

    def ask(self, name: str, media_type: str, body: bytes) -> list[dict[str, Any]]:
        """Let the server look for new versions of a model; return its predictions for a body."""
        self._post(f"/models/{name}/load", "application/json", b"")
        answer = self._post(f"/models/{name}/predict", media_type, body)
        predictions: list[dict[str, Any]] = json.loads(answer)["predictions"]
        return predictions

    def _post(self, path: str, media_type: str, body: bytes) -> bytes:
        headers = {"Content-Type": media_type, "Accept": "application/json"}
        request = urllib.request.Request(self.server.url + path, body, headers, method="POST")  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - the address is our own
            content: bytes = answer.read()
        return content


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    folder = tmp_path_factory.mktemp("workplace")
    shutil.copytree(ROOT / "models/housing", folder / "models/housing")
    with serving(models=folder / "models", watch_seconds=0, workers=1) as server:
        yield Workplace(server, folder)


def write_rows(path: Path, targets: str, count: int = 60) -> bytes:
    """Write rows of two features and the targets that depend on them; return the file's bytes."""
    rng = np.random.default_rng(1)
    lines = [f"x,y,{targets}"]
    for x, y in rng.uniform(-1, 1, (count, 2)):
        values = {
            "price": f"{3 * x - y + 5:.3f}",
            "late": "yes" if x > y else "no",
            "kind": "abc"[int(x > -0.3) + int(x > 0.3)],
            "wet": str(int(x > 0)),
            "cold": str(int(y > 0)),
        }
        lines.append(f"{x:.3f},{y:.3f}," + ",".join(values[each] for each in targets.split(",")))
    path.write_text("\n".join(lines) + "\n")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("targets", "options", "member"),
    [
        ("price", ["--validation-split", "0.3"], "value"),
        ("late", [], "label"),
        ("late", ["--class-weights"], "label"),
        ("kind", [], "label"),
        ("kind", ["--activation", "tanh", "--dropout", "0.1", "--optimizer", "sgd"], "label"),
        ("wet,cold", [], "labels"),
    ],
    ids=[
        *("regression", "two classes", "class weights", "several classes"),
        *("layers and optimizer", "several labels"),
    ],
)
def test_network_of_a_table_answers_each_row(
    workplace: Workplace, targets: str, options: list[str], member: str
) -> None:
    file, name = workplace.folder / "rows.csv", targets.replace(",", "-")
    rows = write_rows(file, targets)

    workplace.train(
        *("table", str(file), "--target", *targets.split(","), "--name", name, *TABLE, *options)
    )

    predictions = workplace.ask(name, "text/csv", rows)
    assert len(predictions) == 60
    assert all(member in prediction for prediction in predictions)


def test_table_taught_by_trees_answers_with_intervals(workplace: Workplace) -> None:
    file = workplace.folder / "many.csv"
    rows = write_rows(file, "price", count=500)

    workplace.train(
        "table", str(file), "--target", "price", "--name", "taught", "--epochs", "2", "--force"
    )

    predictions = workplace.ask("taught", "text/csv", rows)
    assert len(predictions) == 500
    assert all("interval" in prediction for prediction in predictions)


@pytest.mark.parametrize("architecture", ["cnn", "mlp", "lstm", "sigmoid", "numpy"])
def test_architecture_of_a_tutorial_reads_a_picture(
    workplace: Workplace, architecture: str
) -> None:
    workplace.train(
        *("images", "digits8x8", "--architecture", architecture, "--name", architecture),
        *("--epochs", "2", "--limit", "300", "--force"),
    )

    (prediction,) = workplace.ask(architecture, *SEVEN)
    assert prediction["label"] in list("0123456789")


def test_autoencoder_says_how_strange_a_picture_is(workplace: Workplace) -> None:
    workplace.train(
        *("images", "digits8x8", "--architecture", "autoencoder", "--name", "strange"),
        *("--epochs", "1", "--force"),
    )

    (prediction,) = workplace.ask("strange", *SEVEN)
    assert prediction["anomaly_score"] > 0


def test_folder_of_pictures_becomes_a_model(workplace: Workplace) -> None:
    rng = np.random.default_rng(0)
    photos = workplace.folder / "photos"
    for code, label in enumerate(("dark", "light")):
        (photos / label).mkdir(parents=True)
        for number in range(20):
            levels = rng.integers(100 * code, 100 * code + 80, (20, 20, 3)).astype(np.uint8)
            Image.fromarray(levels).save(photos / label / f"{number}.png")

    workplace.train(
        "images", str(photos), "--name", "photos", "--size", "24", "--epochs", "3", "--force"
    )

    picture = (photos / "light/0.png").read_bytes()
    (prediction,) = workplace.ask("photos", "image/png", picture)
    assert prediction["label"] in {"dark", "light"}


@pytest.mark.parametrize("ending", [".keras", ".h5", ""], ids=["keras", "h5", "SavedModel"])
def test_saved_network_is_imported(workplace: Workplace, ending: str) -> None:
    file, name = workplace.folder / f"saved{ending}", f"imported{ending.replace('.', '-')}"
    rows = write_rows(workplace.folder / "sample.csv", "price")
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    if ending:
        network.save(file)
    else:
        network.export(file, verbose=False)

    workplace.train(
        *("import", str(file), "--name", name, "--target", "price"),
        *("--sample", str(workplace.folder / "sample.csv")),
    )

    predictions = workplace.ask(name, "text/csv", rows)
    assert len(predictions) == 60
    assert all("value" in prediction for prediction in predictions)


def test_first_steps_lead_from_a_command_to_the_answer_that_is_shown(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace.folder)
    Path("examples").symlink_to(ROOT / "examples")
    page = (ROOT / "docs/first-steps.md").read_text()
    (train,) = re.findall(r"^vitrine train (table examples.* --hidden 32 32)$", page, re.MULTILINE)
    ((request, shown),) = re.findall(
        r"```sh\n(printf .*)\n```\n\n```text\n(.*?)```", page, re.DOTALL
    )

    workplace.train(*shlex.split(train))
    workplace.ask("points", "text/csv", b"x,y\n0,0\n")
    answer = subprocess.run(
        ["bash", "-c", request.replace("http://127.0.0.1:8080", workplace.server.url)],
        capture_output=True,
        text=True,
        check=True,
    )

    # Another processor may train a little differently.
    assert [row["label"] for row in csv.DictReader(answer.stdout.splitlines())] == [
        row["label"] for row in csv.DictReader(shown.splitlines())
    ]
    assert answer.stdout.splitlines()[0] == shown.splitlines()[0]


def test_best_candidate_of_a_search_is_published(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace.folder)
    rows = write_rows(workplace.folder / "rows.csv", "late")

    workplace.train(
        *("search", "rows.csv", "--target", "late", "--iterations", "2", "--publish", "found")
    )

    assert len(workplace.ask("found", "text/csv", rows)) == 60
