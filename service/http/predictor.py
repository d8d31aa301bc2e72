"""What the languages share of a request for predictions: its model, its instances, its answer.

The ordinary route hands over a body that may still arrive, and the fast path one that is there.
Everything else is the same for both, so that their answers are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Protocol

from service.http.context import RequestContext
from service.http.reply import Headers
from service.rollout.repository import Entry, Repository
from service.settings import Settings
from service.telemetry.observer import Compare
from service.telemetry.shadow import Shadow
from vitrine.block_stream import BlockStream, open_arrow, open_csv, open_parquet
from vitrine.errors import TooManyInstances, VitrineError
from vitrine.levels import check_outer_list
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pictures import picture_blocks
from vitrine.pipeline import MakeEncoder, Pipeline
from vitrine.tables.columns import Values, decode_columns
from vitrine.tables.limits import ArrowLimits
from vitrine.tables.rows import decode_rows
from vitrine.tables.streams import ByteStream


class Body(Protocol):
    """The body of a request."""

    def limit(self, max_bytes: int) -> None:
        """Refuse a body of more bytes."""

    def peek(self) -> bytes:
        """Return its first bytes, which can still be read."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, fewer than `size` only at the end."""

    def read_all(self) -> bytes:
        """Return the rest."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request's path and query ask for.

    Attributes:
        name: Name of the model.
        version, label: Which version of it; both None for the default one.
        query: The query, without its question mark.
    """

    name: str
    version: int | None
    label: str | None
    query: str

    @classmethod
    def named(cls, names: Mapping[str, str], query: str) -> "Target":
        """Return what a path asks for that names a model.

        Args:
            names: The model's name, version and label, as far as the path has them.
            query: The query, without its question mark.
        """
        version = names.get("version")
        number = None if version is None else int(version)
        return cls(names["name"], number, names.get("label"), query)


# Called with the model, the options and the instances, before any of these is decoded; with None
# for a table, whose rows are not known before. It may raise.
Admit = Callable[[Model, Options, Sequence[object] | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request whose body can be decoded, and predicted on.

    Attributes:
        model: The version that answers.
        pipeline: The way of the request's instances through it.
        stream: The instances.
        make_encoder: Makes what writes the answer.
        headers: Returns the headers of the answer, without those about its length. It is called
            when an answer that is no table's is written.
        break_off: Returns what ends a streamed answer that fails, given what went wrong.
    """

    model: Model
    pipeline: Pipeline
    stream: BlockStream
    make_encoder: MakeEncoder
    headers: Callable[[], Headers]
    break_off: Callable[[str], bytes] = lambda _: b""

    def decoded(self) -> "Prepared":
        """Decode all instances, and return the request with these.

        Raises:
            VitrineError: Some cannot be decoded.
        """
        stream = self.stream
        blocks = BlockStream(
            blocks=list(stream.blocks), ignored_columns=stream.ignored_columns, table=stream.table
        )
        # `dataclasses.replace` takes four times as long.
        return Prepared(
            model=self.model,
            pipeline=self.pipeline,
            stream=blocks,
            make_encoder=self.make_encoder,
            headers=self.headers,
            break_off=self.break_off,
        )

    def answer(self) -> "Answer":
        """Predict, and answer.

        Raises:
            VitrineError: Some instances have no prediction.
        """
        pieces = self.pipeline.answer(self.stream, self.make_encoder)
        return Answer(
            pieces=pieces,
            headers=self.headers(),
            is_streamed=self.stream.table is not None,
            break_off=self.break_off,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a request for predictions.

    Attributes:
        pieces: The body; one piece where it is there already.
        headers: Its headers, without those about its length.
        is_streamed: Whether the body is made while it is sent.
        break_off: Returns what ends a streamed answer that fails, given what went wrong.
    """

    pieces: Iterable[bytes]
    headers: Headers
    is_streamed: bool
    break_off: Callable[[str], bytes]


def answer_headers(model: Model, content_type: str) -> Headers:
    """Return the headers by which an answer says what it is, and which version has made it."""
    return [
        ("Content-Type", content_type),
        ("X-Model-Name", model.name),
        ("X-Model-Version", str(model.version)),
    ]


def admit_all(model: Model, options: Options, instances: Sequence[object] | None) -> None:
    """Refuse nothing."""


class Predictor:
    """Finds models, and reads instances for them.

    Args:
        settings: Limits and defaults.
        repository: What is served.
        shadow: Compares the predictions with those of shadow versions.

    Attributes:
        settings: Limits and defaults.
    """

    def __init__(self, settings: Settings, repository: Repository, shadow: Shadow) -> None:
        self.settings = settings
        self._repository = repository
        self._shadow = shadow

    def find(self, route: "Locatable | None") -> Model | None:
        """Find the version that is asked, but for a canary's share; None where there is none."""
        if route is None:
            return None
        try:
            target = route.target
            if target.version is None and target.label is None:
                return self._repository.default(target.name)
            return self._repository.get(target.name, target.version, label=target.label)
        except VitrineError:
            return None

    def select(self, target: Target, context: RequestContext) -> Model:
        """Find the version that answers a request, and measure the request as one to it.

        Args:
            target: What is asked for.
            context: Receives what is measured.

        Raises:
            VitrineError: Nothing such is served.
        """
        entry = self._repository.entry(target.name)
        model = self._repository.get(target.name, target.version, label=target.label)
        observer = context.observer
        observer.model = model
        if target.version is None and target.label is None:
            observer.compare = self._comparison(entry, model)
        return model

    def _comparison(self, entry: Entry, model: Model) -> Compare | None:
        shadow = entry.shadow
        if shadow is None or shadow is model:
            return None
        return partial(self._shadow.offer, shadow, model)

    def pipeline(self, model: Model, options: Options, context: RequestContext) -> Pipeline:
        """Return the way of a request's instances through a model.

        Raises:
            InvalidParameter: The model does not support the options.
        """
        return Pipeline(
            model,
            options,
            default_coverage=self.settings.coverage,
            max_explained=self.settings.max_explained,
            slot=context.slot,
            observer=context.observer,
        )

    def table(
        self,
        model: Model,
        stream: ByteStream,
        options: Options,
        admit: Admit,
        *,
        may_lack_header: bool = False,
    ) -> BlockStream:
        """Begin to read CSV.

        Args:
            model: The model that predicts.
            stream: The bytes of the CSV.
            options: What is asked for.
            admit: Judges the request.
            may_lack_header: Whether the first line may be a row.

        Raises:
            VitrineError: The table does not fit the model, or is refused.
        """
        admit(model, options, None)
        return open_csv(
            model.manifest,
            stream,
            options,
            max_row_bytes=self.settings.max_row_bytes,
            max_rows=self.settings.max_rows,
            may_lack_header=may_lack_header,
        )

    def arrow(
        self, model: Model, stream: ByteStream, options: Options, admit: Admit
    ) -> BlockStream:
        """Begin to read an Arrow IPC stream.

        Raises:
            VitrineError: The table does not fit the model, or is refused.
        """
        admit(model, options, None)
        return open_arrow(model.manifest, stream, options, self._arrow_limits())

    def parquet(self, model: Model, body: bytes, options: Options, admit: Admit) -> BlockStream:
        """Begin to read a Parquet file.

        Raises:
            VitrineError: The table does not fit the model, or is refused.
        """
        admit(model, options, None)
        return open_parquet(model.manifest, body, options, self._arrow_limits())

    def _arrow_limits(self) -> ArrowLimits:
        """Return the limits of a table that may unpack to more than was sent."""
        settings = self.settings
        return ArrowLimits(
            max_rows=settings.max_rows,
            max_row_bytes=settings.max_row_bytes,
            max_batch_bytes=settings.max_body_bytes,
            max_bytes=settings.max_csv_bytes,
        )

    def instances(
        self, model: Model, instances: Sequence[object], options: Options, admit: Admit
    ) -> BlockStream:
        """Begin to read a list of pictures or of rows, as our own JSON has them.

        Raises:
            VitrineError: The instances do not fit the model, or are refused.
        """
        manifest = model.manifest
        picture = manifest.signature.picture
        if picture is not None:
            check_outer_list(instances, flat_size=prod(picture.shape))
            return self.pictures(model, instances, options, admit)
        admit(model, options, instances)
        block = decode_rows(instances, manifest.signature.columns, manifest.dialect)
        return BlockStream(blocks=[block], ignored_columns=block.ignored_columns)

    def columns(
        self,
        model: Model,
        columns: Mapping[str, Values],
        count: int,
        options: Options,
        admit: Admit,
    ) -> BlockStream:
        """Begin to read columns of a table, as `vitrine.tables.columns.decode_columns` takes them.

        Args:
            model: The model that predicts.
            columns: Values by the name of the column.
            count: Number of rows.
            options: What is asked for.
            admit: Judges the rows before they are decoded.

        Raises:
            VitrineError: The columns do not fit the model, or are refused.
        """
        manifest = model.manifest
        admit(model, options, range(count))
        block = decode_columns(columns, manifest.signature.columns, manifest.dialect)
        return BlockStream(blocks=[block])

    def pictures(
        self, model: Model, pictures: Sequence[object], options: Options, admit: Admit
    ) -> BlockStream:
        """Begin to read pictures, each as `vitrine.pictures.picture_blocks` takes it.

        Raises:
            VitrineError: There are too many, or they are refused.
        """
        if options.explain and len(pictures) > self.settings.max_explained:
            raise TooManyInstances("instances to be explained", self.settings.max_explained)
        admit(model, options, pictures)
        blocks = picture_blocks(
            pictures,
            model.manifest.signature.inputs[0].name,
            max_pixels=self.settings.max_pixels,
            # A picture that comes alone keeps the type of its error.
            keep_faults=options.report or len(pictures) > 1,
        )
        return BlockStream(blocks=blocks)


class Locatable(Protocol):
    """Whatever names a model."""

    @property
    def target(self) -> Target:
        """What is asked for.

        Raises:
            VitrineError: It is not settled.
        """
