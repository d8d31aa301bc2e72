"""The plots of the card."""

from pathlib import Path

import numpy as np

from training.architectures.table_inputs import predict
from training.datasets.tables import TableParts, encode_rows
from training.experiments.tables.golden_rows import GoldenRows
from training.experiments.tables.trained import TrainedTable
from training.plots.history import plot_history
from training.plots.surface import FeatureGrid, Points, Surface, plot_surface
from vitrine.signature import CategoryInput, ColumnSpec

# Number of values of a feature at which a surface is drawn.
_SURFACE_SIDE = 120
# More points would hide the surface.
_MOST_POINTS = 300
_TITLES = {"rmse": "RMSE"}


def draw_plots(folder: Path, trained: TrainedTable, parts: TableParts, golden: GoldenRows) -> None:
    """Draw the plots of the card; none but the surface shows single rows of the data set."""
    outcome, history = trained.outcome, trained.fitted.history
    for measure in ("loss", outcome.measure):
        title = f"{_TITLES.get(measure, measure.capitalize())} by epoch"
        plot_history(folder / f"{measure}.png", history, measure, title=title)
    outcome.draw_plots(folder, parts, trained.outputs)
    outcome.draw_golden_rows(folder / "predictions.png", golden.predictions)
    if has_surface(parts):
        draw_surface(folder / "surface.png", trained, parts)


def has_surface(parts: TableParts) -> bool:
    """Say whether predictions can be drawn over all features, of which there are two."""
    return len(parts.specs) == 2


def draw_surface(path: Path, trained: TrainedTable, parts: TableParts) -> None:
    """Draw what is predicted over two features, and some rows of the test part."""
    grids = [_feature_grid(spec) for spec in parts.specs]
    mesh = np.meshgrid(*(grid.values for grid in grids), indexing="ij")
    instances = {spec.name: values.ravel() for spec, values in zip(parts.specs, mesh, strict=True)}
    outputs = predict(trained.fitted.network, encode_rows(instances, parts.specs))
    shape, target = mesh[0].shape, parts.target
    if target.labels:
        probabilities = outputs["probabilities"].reshape(*shape, -1)
        surface = Surface(probabilities, target.name, target.labels)
    else:
        surface = Surface(outputs["value"].reshape(shape), f"predicted {target.name}")
    plot_surface(path, grids[0], grids[1], surface, _points(parts))


def _points(parts: TableParts) -> Points:
    true, shown = parts.test.y, np.arange(len(parts.test))
    if parts.target.task == "multilabel":
        # A point has one colour, so it can show a row with one label.
        shown, true = np.flatnonzero(true.sum(axis=1) == 1), true.argmax(axis=1)
    shown = shown[:_MOST_POINTS]
    first, second = (parts.test.instances[spec.name][shown] for spec in parts.specs)
    return Points(first, second, true[shown])


def _feature_grid(spec: ColumnSpec) -> FeatureGrid:
    if isinstance(spec, CategoryInput):
        return FeatureGrid(spec.name, np.array(spec.vocabulary or (None,), dtype=object))
    low, high = spec.minimum or 0.0, spec.maximum or 0.0
    return FeatureGrid(spec.name, np.linspace(low, high, _SURFACE_SIDE, dtype=np.float32))
