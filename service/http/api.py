"""Our own language: the route of predictions, and how its bodies are read."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from io import BytesIO
from math import prod
from urllib.parse import quote

from flask import Blueprint, Response, request
from werkzeug.routing import BaseConverter

from service.http import context, problems
from service.http.content import Content, Kind, judge
from service.http.context import RequestContext
from service.http.forms import pictures_of, read_fields, read_multipart, table_of
from service.http.json_bodies import read_instances
from service.http.query import read_options
from service.http.transfer import AnswerBroken, RequestBody, current_body
from service.rollout.repository import Entry, Repository
from service.settings import Settings
from service.telemetry.observer import Compare
from service.telemetry.shadow import Shadow
from vitrine.block_stream import BlockStream, open_csv
from vitrine.errors import (
    MAX_FAULTS,
    TooManyInstances,
    VitrineError,
)
from vitrine.levels import check_outer_list
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pictures import picture_blocks
from vitrine.pipeline import Pipeline
from vitrine.tables.rows import decode_rows
from vitrine.tables.streams import ByteStream
from vitrine.tables.writer import write_csv


class VersionConverter(BaseConverter):
    """A version in a path: a positive integer of at most 18 digits."""

    regex = r"[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)


class Api:
    """The view, and what it needs."""

    def __init__(self, settings: Settings, repository: Repository, shadow: Shadow) -> None:
        self._settings = settings
        self._repository = repository
        self._shadow = shadow

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("api", __name__)
        for version in ("", "/versions/<version:version>", "/labels/<label>"):
            path = f"/models/<name>{version}/predict"
            routes.add_url_rule(path, view_func=self.predict, methods=["POST"])
        return routes

    def predict(self, name: str, version: int | None = None, label: str | None = None) -> Response:
        """Predict every instance in the body with one version of a model."""
        entry = self._repository.entry(name)
        model = self._repository.get(name, version, label=label)
        current = context.current()
        current.observer.model = model
        with current.observer.decode:
            content = judge(request, model, current_body().peek)
        options = read_options(
            request.args.to_dict(flat=False),
            csv_body=content.is_csv,
            csv_answer=content.answers_csv,
        )
        if version is None and label is None:
            current.observer.compare = self._comparison(entry, model)
        pipeline = Pipeline(
            model,
            options,
            default_coverage=self._settings.coverage,
            max_explained=self._settings.max_explained,
            slot=current.slot,
            observer=current.observer,
        )
        with current.observer.decode:
            stream = _read(model, content, current_body(), options, self._settings)
        pieces = pipeline.answer(stream, as_csv=content.answers_csv)
        if stream.table is not None:
            pieces = _interruptible(pieces, current, as_csv=content.answers_csv)
        response = Response(pieces, mimetype=content.answer_type)
        for header, value in _headers(model, pipeline, stream, content).items():
            response.headers[header] = value
        return response

    def _comparison(self, entry: Entry, model: Model) -> Compare | None:
        shadow = entry.shadow
        if shadow is None or shadow is model:
            return None
        return partial(self._shadow.offer, shadow, model)


def _headers(
    model: Model, pipeline: Pipeline, stream: BlockStream, content: Content
) -> dict[str, str]:
    """Return the headers that say what a CSV answer itself has no room for."""
    headers = {"X-Model-Name": model.name, "X-Model-Version": str(model.version)}
    if content.answers_csv and pipeline.trust.coverage is not None:
        headers["X-Coverage"] = str(pipeline.trust.coverage)
    if content.answers_csv and stream.ignored_columns:
        names = stream.ignored_columns[:MAX_FAULTS]
        headers["X-Ignored-Columns"] = ", ".join(quote(name[:64]) for name in names)
    return headers


def _interruptible(
    pieces: Iterable[bytes], current: RequestContext, *, as_csv: bool
) -> Iterator[bytes]:
    """Break an answer off where making it fails: its status was sent, nothing can mend it.

    Raises:
        AnswerBroken: Making the answer failed.
    """
    try:
        yield from pieces
    except AnswerBroken:
        raise
    except VitrineError as error:
        current.reason = error.slug()
        if as_csv:  # a line that no reader takes for a row; nothing can be said in broken JSON
            yield b"#error," + write_csv({"": [error.detail]}, header=False)
        raise AnswerBroken from None
    except Exception as error:  # noqa: BLE001 - no error may leave an answer half-written
        problems.log_unexpected(error, current.request_id)
        raise AnswerBroken from None


def _read(
    model: Model, content: Content, body: RequestBody, options: Options, settings: Settings
) -> BlockStream:
    """Begin to read a body as instances of a model.

    Raises:
        UnsupportedMediaType: The model reads no bodies of that media type.
        VitrineError: The body is empty, too large, or not what its media type says.
    """
    kind = content.readable_kind(model, lambda: request.base_url)
    body.limit(settings.max_csv_bytes if kind is Kind.CSV else settings.max_body_bytes)
    boundary, max_files = content.parameters.get("boundary"), settings.max_files
    match kind:
        case Kind.CSV:
            return _read_csv(model, body, options, settings)
        case Kind.CSV_IN_FORM:
            table = table_of(read_multipart(body, boundary, max_parts=max_files))
            return _read_csv(model, BytesIO(table), options, settings)
        case Kind.JSON:
            return _read_json(model, body.read_all(), options, settings)
        case Kind.PICTURES_IN_FORM:
            parts = read_multipart(body, boundary, max_parts=max_files)
            return _read_pictures(model, pictures_of(parts), options, settings)
        case Kind.PICTURES_IN_FIELDS:
            parts = read_fields(body.read_all(), max_fields=max_files)
            return _read_pictures(model, pictures_of(parts), options, settings)
        case Kind.PICTURE:
            return _read_pictures(model, [body.read_all()], options, settings)


def _read_csv(
    model: Model, stream: ByteStream, options: Options, settings: Settings
) -> BlockStream:
    return open_csv(
        model.manifest,
        stream,
        options,
        max_row_bytes=settings.max_row_bytes,
        max_rows=settings.max_rows,
    )


def _read_json(model: Model, body: bytes, options: Options, settings: Settings) -> BlockStream:
    instances = read_instances(body)
    if len(instances) > settings.max_instances:
        raise TooManyInstances("instances", settings.max_instances)
    picture = model.manifest.signature.picture
    if picture is not None:
        check_outer_list(instances, flat_size=prod(picture.shape))
        return _read_pictures(model, instances, options, settings)
    manifest = model.manifest
    block = decode_rows(instances, manifest.signature.columns, manifest.dialect)
    return BlockStream(blocks=[block], ignored_columns=block.ignored_columns)


def _read_pictures(
    model: Model, pictures: Sequence[object], options: Options, settings: Settings
) -> BlockStream:
    if options.explain and len(pictures) > settings.max_explained:
        raise TooManyInstances("instances to be explained", settings.max_explained)
    blocks = picture_blocks(
        pictures,
        model.manifest.signature.inputs[0].name,
        max_pixels=settings.max_pixels,
        # A picture that comes alone keeps the type of its error.
        keep_faults=options.report or len(pictures) > 1,
    )
    return BlockStream(blocks=blocks)
