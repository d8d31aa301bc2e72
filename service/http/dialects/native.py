"""Our own language: pictures and tables as they are, `/models/NAME/predict`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from urllib.parse import quote

from flask import Blueprint

from service.errors import LabelNotFound, VersionNotFound
from service.http.content import Content, Format, Kind, judge, kind_of_table
from service.http.context import RequestContext
from service.http.forms import pictures_of, read_fields, read_multipart, table_of
from service.http.json_bodies import read_instances
from service.http.languages import Question, View
from service.http.openapi.predictions import describe_predictions
from service.http.operations import PREDICTION_ERRORS, Operation
from service.http.predictor import Admit, Body, Predictor, Prepared, Target, answer_headers
from service.http.problems import PROBLEM_TYPE, ErrorBody, Problem, write_problem
from service.http.query import read_options
from service.http.reply import Headers
from vitrine.block_stream import BlockStream, first_names, refuse_marks
from vitrine.errors import VitrineError
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pipeline import MakeEncoder, Pipeline
from vitrine.tables.formats import BROKEN_STREAM
from vitrine.tables.writer import write_csv

_VERSION, _LABEL = "/versions/<version:version>", "/labels/<label>"


@dataclass(frozen=True, slots=True)
class Native:
    """Our own language.

    Attributes:
        predictor: Finds models, and reads instances for them.
    """

    predictor: Predictor
    prefixes: Sequence[str] = ()
    rules: Sequence[str] = tuple(
        f"/models/<name>{version}/predict" for version in ("", _VERSION, _LABEL)
    )
    probes: Sequence[str] = ("/livez", "/readyz")
    reads_csv: bool = True

    def target(self, names: Mapping[str, str], query: str) -> Target:
        """Say what a path asks for."""
        return Target.named(names, query)

    def prepare(self, question: Question, body: Body, context: RequestContext) -> Prepared:
        """Find the model, and begin to read the body.

        Raises:
            VitrineError: The request cannot be answered.
        """
        observer = context.observer
        model = self.predictor.select(question.target, context)
        with observer.decode:
            content = judge(question.media, model, body.peek)
        options = read_options(
            question.target.query,
            csv_body=content.is_csv,
            table_body=content.is_table,
            table_answer=content.answers_table,
        )
        pipeline = self.predictor.pipeline(model, options, context)
        with observer.decode:
            kind = content.readable_kind(model, question.url)
            stream = self._read(kind, model, content, body, options, question)
        make_encoder, break_off = _WRITERS[content.answer]
        return Prepared(
            model=model,
            pipeline=pipeline,
            stream=stream,
            make_encoder=make_encoder,
            headers=partial(_headers, model, pipeline, stream, content),
            break_off=break_off,
        )

    def _read(
        self,
        kind: Kind,
        model: Model,
        content: Content,
        body: Body,
        options: Options,
        question: Question,
    ) -> BlockStream:
        """Begin to read a body as instances of a model.

        Raises:
            VitrineError: The body is empty, too large, or not what its media type says.
        """
        predictor, admit = self.predictor, question.admit
        settings = predictor.settings
        is_streamed = kind in {Kind.CSV, Kind.ARROW}
        body.limit(settings.max_csv_bytes if is_streamed else settings.max_body_bytes)
        boundary, max_files = content.parameters.get("boundary"), settings.max_files
        match kind:
            case Kind.PICTURE:
                return predictor.pictures(model, [body.read_all()], options, admit)
            case Kind.JSON:
                instances = read_instances(body.read_all(), limit=settings.max_instances)
                return predictor.instances(model, instances, options, admit)
            case Kind.PICTURES_IN_FORM:
                parts = read_multipart(body, boundary, max_parts=max_files)
                return predictor.pictures(model, pictures_of(parts), options, admit)
            case Kind.PICTURES_IN_FIELDS:
                parts = read_fields(body.read_all(), max_fields=max_files)
                return predictor.pictures(model, pictures_of(parts), options, admit)
            case Kind.CSV:
                return predictor.table(model, body, options, admit)
            case Kind.ARROW:
                return predictor.arrow(model, body, options, admit)
            case Kind.PARQUET:
                return predictor.parquet(model, body.read_all(), options, admit)
            case Kind.TABLE_IN_FORM:
                table = table_of(read_multipart(body, boundary, max_parts=max_files))
                return self._read_file(model, table, options, admit)

    def _read_file(self, model: Model, table: bytes, options: Options, admit: Admit) -> BlockStream:
        """Begin to read a table whose first bytes say what it is."""
        predictor, kind = self.predictor, kind_of_table(table)
        if kind is not Kind.CSV:
            refuse_marks(options)
        if kind is Kind.PARQUET:
            return predictor.parquet(model, table, options, admit)
        read = predictor.arrow if kind is Kind.ARROW else predictor.table
        return read(model, BytesIO(table), options, admit)

    def error_body(self, problem: Problem) -> ErrorBody:
        """Say what is wrong with a request, as RFC 9457 asks."""
        return ErrorBody(problem.status, PROBLEM_TYPE, write_problem(problem))

    def operation(self, rule: str, view: View) -> Operation:
        """Declare a route of predictions."""
        return Operation(
            rule=rule,
            method="POST",
            view=view,
            tag="predictions",
            summary="Predict every instance in the body.",
            describe=lambda model: describe_predictions(model, self.predictor.settings),
            errors=[*PREDICTION_ERRORS, *_not_found(rule)],
        )

    def blueprint(self) -> Blueprint | None:
        """Return no other routes: those of our own language are the service's."""
        return None


def _not_found(rule: str) -> Iterator[type[VitrineError]]:
    """Yield why a model that a path names may have no such version."""
    if _VERSION in rule:
        yield VersionNotFound
    if _LABEL in rule:
        yield LabelNotFound


def _headers(model: Model, pipeline: Pipeline, stream: BlockStream, content: Content) -> Headers:
    """Return the headers, with what an answer in columns has no room for."""
    headers = answer_headers(model, content.answer_type)
    if content.answers_table and pipeline.trust.coverage is not None:
        headers.append(("X-Coverage", str(pipeline.trust.coverage)))
    if content.answers_table and stream.ignored_columns:
        names = ", ".join(map(quote, first_names(stream.ignored_columns)))
        headers.append(("X-Ignored-Columns", names))
    return headers


def _error_line(detail: str) -> bytes:
    """Return a line that no reader takes for a row."""
    return b"#error," + write_csv({"": [detail]}, header=False)


def _break_stream(_: str) -> bytes:
    """Return what shows that an Arrow stream is broken: one may end behind any message."""
    return BROKEN_STREAM


def _say_nothing(_: str) -> bytes:
    """Return nothing: nothing can be said in broken JSON, nor in half a Parquet file."""
    return b""


# What writes an answer of each format, and what ends one that fails.
_WRITERS: Mapping[Format, tuple[MakeEncoder, Callable[[str], bytes]]] = {
    Format.JSON: (Pipeline.json_encoder, _say_nothing),
    Format.CSV: (Pipeline.csv_encoder, _error_line),
    Format.ARROW: (Pipeline.arrow_encoder, _break_stream),
    Format.PARQUET: (Pipeline.parquet_encoder, _say_nothing),
}
