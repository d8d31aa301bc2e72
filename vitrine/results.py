"""Predictions for a Python caller: records, an Arrow table or a data frame."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from vitrine.extras import needs
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pipeline import AnswerColumns, JsonEncoder
from vitrine.predictions import PredictedBlock, TrustOptions

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import pyarrow as pa


class Results:
    """The predictions for all instances, in their order.

    Iterating yields the records of `to_records`.
    """

    def __init__(
        self,
        model: Model,
        trust: TrustOptions,
        blocks: Sequence[PredictedBlock],
        options: Options,
    ) -> None:
        """Keep what was predicted.

        Args:
            model: The model that predicted.
            trust: The trust options that it fulfilled.
            blocks: The predictions, block by block.
            options: What the caller asked for.
        """
        self._model = model
        self._trust = trust
        self._blocks = blocks
        self._options = options

    def __len__(self) -> int:
        return sum(predicted.block.rows for predicted in self._blocks)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.to_records())

    def __repr__(self) -> str:
        return f"<Results of {self._model.name!r}, {len(self)} instances>"

    @property
    def coverage(self) -> float | None:
        """Coverage of the sets or intervals; None where there are none."""
        return self._trust.coverage

    def to_records(self, *, top: int | None = None) -> list[dict[str, Any]]:
        """Return one mapping for each instance, with the members that an answer over HTTP has.

        Args:
            top: Number of the most probable classes or labels to list; None for all.
        """
        encoder = JsonEncoder(self._model, self._trust, top=top)
        pieces = [encoder.begin(), *map(encoder.encode, self._blocks), encoder.end()]
        records: list[dict[str, Any]] = orjson.loads(b"".join(pieces))["predictions"]
        return records

    def to_arrow(self) -> "pa.Table":
        """Return one row for each instance, with the columns that an Arrow answer has."""
        with needs("tables"):
            import pyarrow as pa  # noqa: PLC0415 - an extra

            from vitrine.tables.typed_writer import answer_schema, make_batch  # noqa: PLC0415

        columns = AnswerColumns(self._model, self._trust, report=self._options.report)
        schema = answer_schema(columns.own)
        batches = [make_batch(columns.typed(each), schema) for each in self._blocks]
        return pa.Table.from_batches(batches, schema)

    def to_pandas(self) -> "pd.DataFrame":
        """Return one row for each instance, with the columns that an Arrow answer has."""
        return self.to_arrow().to_pandas()
