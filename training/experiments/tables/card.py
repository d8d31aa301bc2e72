"""The texts of the card."""

from collections.abc import Mapping
from typing import Any

from training.cards.advantage import advantage_text
from training.cards.markdown import image, table
from training.cards.templates import fill
from training.catboost_comparison import describe_comparison
from training.datasets.tables import TableParts
from training.experiments.tables.golden_rows import GoldenRows
from training.experiments.tables.plots import has_surface
from training.experiments.tables.trained import TrainedTable


def card_sections(trained: TrainedTable, parts: TableParts, golden: GoldenRows) -> str:
    """Write the sections of the card that only this experiment has."""
    outcome, fitted = trained.outcome, trained.fitted
    return fill(
        "tables",
        advantage=advantage_text(trained.outputs.advantage, instances="rows"),
        comparison=_comparison_section(trained),
        columns=_columns_text(parts, trained.leaks),
        golden_rows=_golden_table(parts, golden),
        surface=fill("table_surface") if has_surface(parts) else "",
        fit=fitted.fit_text,
        history_plots=_history_plots(outcome.measure),
        mistakes=outcome.mistakes_text(),
        trust=outcome.trust_text(parts, trained.outputs),
        beyond=fitted.beyond_text,
    )


def _comparison_section(trained: TrainedTable) -> str:
    if trained.comparison is None:
        return ""
    return fill("table_comparison", comparison=describe_comparison(trained.comparison))


def _columns_text(parts: TableParts, leaks: Mapping[str, str]) -> str:
    texts = []
    if parts.left_out:
        texts.append(fill("table_left_out", columns=_reason_table(parts.left_out)))
    if leaks:
        texts.append(fill("table_leaks", columns=_reason_table(leaks)))
    if parts.unusable:
        rows = "row" if parts.unusable == 1 else "rows"
        texts.append(f"{parts.unusable:,} {rows} without a target could not be used.")
    return "\n\n".join(texts) or fill("table_all_inputs")


def _reason_table(reasons: Mapping[str, str]) -> str:
    return table(["column", "reason"], list(reasons.items()))


def _golden_table(parts: TableParts, golden: GoldenRows) -> str:
    predictions = golden.predictions.columns()
    features = [golden.instances[spec.name] for spec in parts.specs]
    header = ["row", *(spec.name for spec in parts.specs), *predictions]
    rows = [
        [row + 1, *(_cell(values[row]) for values in (*features, *predictions.values()))]
        for row in range(len(golden.predictions))
    ]
    return table(header, rows)


def _cell(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unequal to itself
        return ""
    return value if isinstance(value, str) else f"{value:.6g}"


def _history_plots(measure: str) -> str:
    return "\n\n".join(image(name, f"{name} by epoch") for name in ("loss", measure))
