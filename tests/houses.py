"""Rows like those that the shipped model of houses was trained on."""

from contextlib import closing

import numpy as np

from tests.servers import ROOT, Server
from vitrine import bundle
from vitrine.drift import features
from vitrine.signature import CategoryInput, Instances, NumberInput
from vitrine.tables.writer import write_csv

HOUSING = ROOT / "models/housing/1"


def drawn(generator: np.random.Generator, count: int) -> Instances:
    """Draw every column from its bins as training filled them."""
    manifest = bundle.read_manifest(HOUSING)
    inputs = {spec.name: spec for spec in manifest.signature.inputs}
    columns = {}
    for feature in features(manifest):
        shares = np.array(feature.reference.counts) / sum(feature.reference.counts)
        bins = generator.choice(len(shares), size=count, p=shares)
        spec, edges = inputs[feature.name], feature.reference.edges
        if isinstance(spec, CategoryInput):
            columns[feature.name] = np.array(["", "", *spec.vocabulary], dtype=object)[bins]
        else:
            assert isinstance(spec, NumberInput)
            assert edges is not None
            limits = np.array([spec.minimum, *edges, spec.maximum])
            columns[feature.name] = generator.uniform(limits[bins], limits[bins + 1])
    return columns


def send(server: Server, rows: Instances) -> None:
    """Have rows predicted, all of them in one request."""
    with closing(server.connect()) as connection:
        body = write_csv(rows, header=True)
        connection.request("POST", "/models/housing/predict", body, {"Content-Type": "text/csv"})
        answer = connection.getresponse()
        assert answer.read().count(b"\n") == 1 + len(next(iter(rows.values())))
        assert answer.status == 200
