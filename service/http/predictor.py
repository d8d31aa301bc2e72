"""A request for predictions, read and answered, whichever way it came in.

The ordinary route hands over a body that may still arrive, and the fast path one that is there.
Everything else is the same for both, so that their answers are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from math import prod
from typing import Protocol
from urllib.parse import quote

from service.http.content import Content, Kind, MediaHeaders, judge
from service.http.context import RequestContext
from service.http.forms import pictures_of, read_fields, read_multipart, table_of
from service.http.json_bodies import read_instances
from service.http.query import read_options
from service.http.reply import Headers
from service.rollout.repository import Entry, Repository
from service.settings import Settings
from service.telemetry.observer import Compare
from service.telemetry.shadow import Shadow
from vitrine.block_stream import BlockStream, first_names, open_csv
from vitrine.errors import TooManyInstances, VitrineError
from vitrine.levels import check_outer_list
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pictures import picture_blocks
from vitrine.pipeline import Pipeline
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
        content: The media types of the request and of its answer.
    """

    model: Model
    pipeline: Pipeline
    stream: BlockStream
    content: Content

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
            model=self.model, pipeline=self.pipeline, stream=blocks, content=self.content
        )

    def answer(self) -> "Answer":
        """Predict, and answer.

        Raises:
            VitrineError: Some instances have no prediction.
        """
        as_csv = self.content.answers_csv
        return Answer(
            pieces=self.pipeline.answer(self.stream, as_csv=as_csv),
            headers=_headers(self.model, self.pipeline, self.stream, self.content),
            is_streamed=self.stream.table is not None,
            is_csv=as_csv,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a request for predictions.

    Attributes:
        pieces: The body; one piece where it is there already.
        headers: Its headers, without those about its length.
        is_streamed: Whether the body is made while it is sent.
        is_csv: Whether the body is CSV; it is JSON otherwise.
    """

    pieces: Iterable[bytes]
    headers: Headers
    is_streamed: bool
    is_csv: bool


def _admit_all(model: Model, options: Options, instances: Sequence[object] | None) -> None:
    """Refuse nothing."""


class Predictor:
    """Answers requests for predictions.

    Args:
        settings: Limits and defaults.
        repository: What is served.
        shadow: Compares the predictions with those of shadow versions.
    """

    def __init__(self, settings: Settings, repository: Repository, shadow: Shadow) -> None:
        self._settings = settings
        self._repository = repository
        self._shadow = shadow

    @property
    def max_pixels(self) -> int:
        """Number of pixels that one picture may have."""
        return self._settings.max_pixels

    def find(self, target: Target) -> Model | None:
        """Find the version that is asked, but for a canary's share; None where there is none."""
        try:
            if target.version is None and target.label is None:
                return self._repository.default(target.name)
            return self._repository.get(target.name, target.version, label=target.label)
        except VitrineError:
            return None

    def prepare(
        self,
        target: Target,
        media: MediaHeaders,
        body: Body,
        context: RequestContext,
        *,
        url: Callable[[], str],
        admit: Admit = _admit_all,
    ) -> Prepared:
        """Find the model, and begin to read the body.

        Args:
            target: What is asked for.
            media: How the body is written, and how the answer may be.
            body: The body.
            context: Receives what is measured.
            url: Returns where the request was sent, for the example in an error.
            admit: Judges pictures and rows of JSON before they are decoded.

        Raises:
            VitrineError: The request cannot be answered.
        """
        observer = context.observer
        entry = self._repository.entry(target.name)
        model = self._repository.get(target.name, target.version, label=target.label)
        observer.model = model
        with observer.decode:
            content = judge(media, model, body.peek)
        options = read_options(
            target.query, csv_body=content.is_csv, csv_answer=content.answers_csv
        )
        if target.version is None and target.label is None:
            observer.compare = self._comparison(entry, model)
        pipeline = Pipeline(
            model,
            options,
            default_coverage=self._settings.coverage,
            max_explained=self._settings.max_explained,
            slot=context.slot,
            observer=observer,
        )
        with observer.decode:
            kind = content.readable_kind(model, url)
            stream = self._read(kind, model, content, body, options, admit)
        return Prepared(model=model, pipeline=pipeline, stream=stream, content=content)

    def _comparison(self, entry: Entry, model: Model) -> Compare | None:
        shadow = entry.shadow
        if shadow is None or shadow is model:
            return None
        return partial(self._shadow.offer, shadow, model)

    def _read(
        self,
        kind: Kind,
        model: Model,
        content: Content,
        body: Body,
        options: Options,
        admit: Admit,
    ) -> BlockStream:
        """Begin to read a body as instances of a model.

        Raises:
            VitrineError: The body is empty, too large, or not what its media type says.
        """
        settings = self._settings
        body.limit(settings.max_csv_bytes if kind is Kind.CSV else settings.max_body_bytes)
        boundary, max_files = content.parameters.get("boundary"), settings.max_files
        match kind:
            case Kind.PICTURE:
                return self._read_pictures(model, [body.read_all()], options, admit)
            case Kind.JSON:
                return self._read_json(model, body.read_all(), options, admit)
            case Kind.PICTURES_IN_FORM:
                parts = read_multipart(body, boundary, max_parts=max_files)
                return self._read_pictures(model, pictures_of(parts), options, admit)
            case Kind.PICTURES_IN_FIELDS:
                parts = read_fields(body.read_all(), max_fields=max_files)
                return self._read_pictures(model, pictures_of(parts), options, admit)
            case Kind.CSV:
                return self._read_csv(model, body, options, admit)
            case Kind.CSV_IN_FORM:
                table = table_of(read_multipart(body, boundary, max_parts=max_files))
                return self._read_csv(model, BytesIO(table), options, admit)

    def _read_csv(
        self, model: Model, stream: ByteStream, options: Options, admit: Admit
    ) -> BlockStream:
        admit(model, options, None)
        return open_csv(
            model.manifest,
            stream,
            options,
            max_row_bytes=self._settings.max_row_bytes,
            max_rows=self._settings.max_rows,
        )

    def _read_json(self, model: Model, body: bytes, options: Options, admit: Admit) -> BlockStream:
        instances = read_instances(body, limit=self._settings.max_instances)
        manifest = model.manifest
        picture = manifest.signature.picture
        if picture is not None:
            check_outer_list(instances, flat_size=prod(picture.shape))
            return self._read_pictures(model, instances, options, admit)
        admit(model, options, instances)
        block = decode_rows(instances, manifest.signature.columns, manifest.dialect)
        return BlockStream(blocks=[block], ignored_columns=block.ignored_columns)

    def _read_pictures(
        self, model: Model, pictures: Sequence[object], options: Options, admit: Admit
    ) -> BlockStream:
        if options.explain and len(pictures) > self._settings.max_explained:
            raise TooManyInstances("instances to be explained", self._settings.max_explained)
        admit(model, options, pictures)
        blocks = picture_blocks(
            pictures,
            model.manifest.signature.inputs[0].name,
            max_pixels=self._settings.max_pixels,
            # A picture that comes alone keeps the type of its error.
            keep_faults=options.report or len(pictures) > 1,
        )
        return BlockStream(blocks=blocks)


def _headers(model: Model, pipeline: Pipeline, stream: BlockStream, content: Content) -> Headers:
    """Return the headers, with what a CSV answer itself has no room for."""
    headers = [
        ("Content-Type", content.answer_type),
        ("X-Model-Name", model.name),
        ("X-Model-Version", str(model.version)),
    ]
    if content.answers_csv and pipeline.trust.coverage is not None:
        headers.append(("X-Coverage", str(pipeline.trust.coverage)))
    if content.answers_csv and stream.ignored_columns:
        names = ", ".join(map(quote, first_names(stream.ignored_columns)))
        headers.append(("X-Ignored-Columns", names))
    return headers
