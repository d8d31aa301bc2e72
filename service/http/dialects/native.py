"""Our own language: pictures and tables as they are, `/models/NAME/predict`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any
from urllib.parse import quote

from flask import Blueprint

from service.http.content import Content, Kind, judge
from service.http.context import RequestContext
from service.http.forms import pictures_of, read_fields, read_multipart, table_of
from service.http.json_bodies import read_instances
from service.http.languages import Question, View
from service.http.operations import Operation
from service.http.predictor import Body, Predictor, Prepared, Target
from service.http.problems import PROBLEM_TYPE, ErrorBody, Problem, write_problem
from service.http.query import read_options
from service.http.reply import Headers
from vitrine.block_stream import BlockStream, first_names
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pipeline import Pipeline
from vitrine.tables.writer import write_csv


@dataclass(frozen=True, slots=True)
class Native:
    """Our own language.

    Attributes:
        predictor: Finds models, and reads instances for them.
    """

    predictor: Predictor
    prefixes: Sequence[str] = ()
    rules: Sequence[str] = tuple(
        f"/models/<name>{version}/predict"
        for version in ("", "/versions/<version:version>", "/labels/<label>")
    )
    probes: Sequence[str] = ("/livez", "/readyz")
    reads_csv: bool = True

    def target(self, names: Mapping[str, str], query: str) -> Target:
        """Say what a path asks for."""
        version = names.get("version")
        number = None if version is None else int(version)
        return Target(names["name"], number, names.get("label"), query)

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
            question.target.query, csv_body=content.is_csv, csv_answer=content.answers_csv
        )
        pipeline = self.predictor.pipeline(model, options, context)
        with observer.decode:
            kind = content.readable_kind(model, question.url)
            stream = self._read(kind, model, content, body, options, question)
        as_csv = content.answers_csv
        return Prepared(
            model=model,
            pipeline=pipeline,
            stream=stream,
            make_encoder=Pipeline.csv_encoder if as_csv else Pipeline.json_encoder,
            headers=partial(_headers, model, pipeline, stream, content),
            break_off=_error_line if as_csv else _say_nothing,
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
        body.limit(settings.max_csv_bytes if kind is Kind.CSV else settings.max_body_bytes)
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
            case Kind.CSV_IN_FORM:
                table = table_of(read_multipart(body, boundary, max_parts=max_files))
                return predictor.table(model, BytesIO(table), options, admit)

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
            describe=_describe,
        )

    def blueprint(self) -> Blueprint | None:
        """Return no other routes: those of our own language are the service's."""
        return None


def _describe(_: Model | None) -> Mapping[str, Any]:
    return {}


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


def _error_line(detail: str) -> bytes:
    """Return a line that no reader takes for a row."""
    return b"#error," + write_csv({"": [detail]}, header=False)


def _say_nothing(_: str) -> bytes:
    """Return nothing: nothing can be said in broken JSON."""
    return b""
