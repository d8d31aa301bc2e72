"""Plots of studies whose numbers are not all finite."""

from pathlib import Path

import numpy as np

from training.studies import plots, search
from training.studies.metrics import RMSE
from training.studies.results import Candidate


def test_candidate_that_did_not_converge_is_drawn_at_the_edge(tmp_path: Path) -> None:
    drawn = search.draw_candidates(search.SearchConfig(command="x", out=tmp_path, iterations=3))
    candidates = [
        Candidate(parameters, {"rmse": [error]}, 1.0)
        for parameters, error in zip(drawn, (1.0, 2.0, np.nan), strict=True)
    ]

    plots.plot_search(tmp_path / "plot.png", candidates, RMSE, title="Search")

    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
