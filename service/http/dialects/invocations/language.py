"""The routes of the language, and the way of a request.

MLflow's scoring server, Amazon SageMaker and Google Vertex AI ask at one path and name no model.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus

import orjson
from flask import Blueprint, Response, current_app

from service.errors import NoDefaultModel
from service.http.content import CSV_TYPE, JSON_TYPE
from service.http.context import RequestContext
from service.http.dialects.invocations.answers import BareCsv, RecordsEncoder, error_body
from service.http.dialects.invocations.content import Content, Kind, judge
from service.http.dialects.invocations.descriptions import (
    ERRORS,
    PING,
    TRANSFORM,
    VERSION,
    describe_invocations,
)
from service.http.dialects.invocations.requests import (
    Request,
    read_instances,
    read_parameters,
    read_request,
)
from service.http.dialects.parts import DialectParts
from service.http.health import DRAINING
from service.http.languages import Question, View
from service.http.openapi.parts import answers
from service.http.operations import Operation, add
from service.http.predictor import Admit, Body, Prepared, Target, answer_headers
from service.http.problems import ErrorBody, Problem
from service.http.reply import Headers
from vitrine import __version__
from vitrine.block_stream import BlockStream
from vitrine.errors import EmptyBody, MalformedBody, VitrineError
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pipeline import Encoder, MakeEncoder, Pipeline
from vitrine.tables.reader import CsvReader

_INVOCATIONS = "/invocations"
_HEALTH = ("/ping", "/health")
_VERSION = "/version"
_TRANSFORM = "/execution-parameters"
_NO_FRAME = (
    "Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid CSV-formatted "
    "Pandas DataFrame produced using the `pandas.DataFrame.to_csv()` method."
)
# The most that all payloads of a batch transform may have together.
_TRANSFORM_MEGABYTES = 100
# A platform may name a path that is one of these already; it keeps its meaning.
_OWN_PATHS = frozenset(("/", "/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/models"))
_OWN_PREFIXES = ("/models/", "/v1/models/", "/v2/", "/problems/", "/docs/")
_TAG = "invocations: MLflow, SageMaker, Vertex AI"
# What SageMaker passes on from its caller, and back; it may have so many visible characters.
_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_ATTRIBUTES_TEXT = re.compile(r"[\x20-\x7e]{1,1024}")


class Invocations:
    """The language of `/invocations`.

    Args:
        parts: What it is made of.
    """

    reads_csv = True

    def __init__(self, parts: DialectParts) -> None:
        settings = self._settings = parts.settings
        self.rules: Sequence[str] = _with(settings.predict_route, [_INVOCATIONS])
        self.probes: Sequence[str] = _with(settings.health_route, _HEALTH)
        self.prefixes: Sequence[str] = (*self.rules, *self.probes, _VERSION, _TRANSFORM)
        self._repository = parts.repository
        self._predictor = parts.predictor

    def target(self, names: Mapping[str, str], query: str) -> Target:  # noqa: ARG002 - none is named
        """Say which model is asked: the one of the settings, else the only one.

        Raises:
            NoDefaultModel: Several are served, and the settings name none.
        """
        return Target(self._settings.default_model or self._only_model(), None, None, query)

    def _only_model(self) -> str:
        served = list(self._repository.models) or list(self._repository.current)
        if len(served) != 1:
            raise NoDefaultModel(served)
        return served[0]

    def prepare(self, question: Question, body: Body, context: RequestContext) -> Prepared:
        """Find the model, and begin to read the body.

        Raises:
            VitrineError: The request cannot be answered.
        """
        observer = context.observer
        model = self._predictor.select(question.target, context)
        with observer.decode:
            content = judge(question.media, model, body.peek)
            self._limit(body, content.kind)
            request = read_request(body.read_all()) if content.kind is Kind.JSON else None
        options = read_parameters(
            {} if request is None else request.parameters,
            question.target.query,
            csv_body=content.kind is Kind.CSV,
            csv_answer=content.answers_csv,
        )
        pipeline = self._predictor.pipeline(model, options, context)
        with observer.decode:
            stream = self._stream(request, content.kind, model, body, options, question)
        as_records = _records_encoder(model, options)
        attributes = question.header(_ATTRIBUTES.lower())
        return Prepared(
            model=model,
            pipeline=pipeline,
            stream=stream,
            make_encoder=_csv_encoder if content.answers_csv else as_records,
            headers=partial(_headers, model, pipeline, content, attributes),
        )

    def _limit(self, body: Body, kind: Kind) -> None:
        settings = self._settings
        body.limit(settings.max_csv_bytes if kind is Kind.CSV else settings.max_body_bytes)

    def _stream(
        self,
        request: Request | None,
        kind: Kind,
        model: Model,
        body: Body,
        options: Options,
        question: Question,
    ) -> BlockStream:
        """Begin to read instances.

        Raises:
            VitrineError: They do not fit the model, or are refused.
        """
        predictor, admit = self._predictor, question.admit
        if request is not None:
            limit = self._settings.max_instances
            instances = read_instances(request, model.manifest.signature, limit=limit)
            return predictor.instances(model, instances, options, admit)
        if kind is Kind.CSV:
            return self._table(model, body, options, admit)
        return predictor.pictures(model, [body.read_all()], options, admit)

    def _table(self, model: Model, body: Body, options: Options, admit: Admit) -> BlockStream:
        """Begin to read CSV, which has no header as a rule where SageMaker sends it."""
        try:
            return self._predictor.table(model, body, options, admit, may_lack_header=True)
        except (EmptyBody, MalformedBody) as error:
            raise MalformedBody(f"{_NO_FRAME} Error: {error.detail!r}") from None

    def error_body(self, problem: Problem) -> ErrorBody:
        """Say what is wrong with a request."""
        return error_body(problem)

    def operation(self, rule: str, view: View) -> Operation:
        """Declare the route of predictions."""
        return Operation(
            rule=rule,
            method="POST",
            view=view,
            tag=_TAG,
            summary="Predict every instance in the body.",
            describe=lambda _: describe_invocations(self._default()),
            errors=ERRORS,
        )

    def blueprint(self) -> Blueprint:
        """Return the other routes."""
        routes = Blueprint("invocations", __name__)
        summary = "Say whether predictions are answered here."
        health = [
            Operation(
                rule=rule,
                view=self.ping,
                tag=_TAG,
                summary=summary,
                describe=answers(PING),
                needs_key=False,
            )
            for rule in self.probes
        ]
        version = Operation(
            rule=_VERSION,
            view=self.version,
            tag=_TAG,
            summary="Say which version answers.",
            describe=answers(VERSION),
        )
        transform = Operation(
            rule=_TRANSFORM,
            view=self.execution_parameters,
            tag=_TAG,
            summary="Say how SageMaker should cut the data of a batch transform.",
            describe=answers(TRANSFORM),
        )
        add(routes, [*health, version, transform])
        return routes

    def ping(self) -> Response:
        """Say whether predictions are answered here: 404 is what MLflow says without a model."""
        status = HTTPStatus.OK if self._is_ready() else HTTPStatus.NOT_FOUND
        return Response(b"\n", status, mimetype=JSON_TYPE)

    def version(self) -> Response:
        """Say which version answers: MLflow's server tells its own, and its client shows it."""
        return Response(__version__, mimetype=JSON_TYPE)

    def execution_parameters(self) -> Response:
        """Say how SageMaker should cut the data of a batch transform."""
        settings = self._settings
        most = min(settings.max_body_bytes // 2**20, _TRANSFORM_MEGABYTES // settings.workers)
        members = {
            "MaxConcurrentTransforms": settings.workers,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": max(1, most),
        }
        return Response(orjson.dumps(members), mimetype=JSON_TYPE)

    def _is_ready(self) -> bool:
        is_draining: Callable[[], bool] = current_app.extensions[DRAINING]
        return self._default() is not None and not is_draining()

    def _default(self) -> Model | None:
        """Return the model that answers; None where it is not settled which one does."""
        try:
            return self._repository.default(self.target({}, "").name)
        except VitrineError:
            return None


def _with(route: str, rules: Sequence[str]) -> Sequence[str]:
    """Add the path that a platform names, unless it is answered in another language already."""
    is_taken = route in _OWN_PATHS or route.startswith(_OWN_PREFIXES)
    return tuple(dict.fromkeys([*rules, *([] if is_taken or not route else [route])]))


def _records_encoder(model: Model, options: Options) -> MakeEncoder:
    return lambda pipeline, _: RecordsEncoder(model, pipeline.trust, top=options.top)


def _csv_encoder(pipeline: Pipeline, stream: BlockStream) -> Encoder:
    encoder = pipeline.csv_encoder(stream)
    table = stream.table
    is_bare = isinstance(table, CsvReader) and not table.has_header
    return BareCsv(encoder) if is_bare else encoder


def _headers(model: Model, pipeline: Pipeline, content: Content, attributes: str) -> Headers:
    content_type = f"{CSV_TYPE}; charset=utf-8" if content.answers_csv else JSON_TYPE
    headers = answer_headers(model, content_type)
    if pipeline.trust.coverage is not None:
        headers.append(("X-Coverage", str(pipeline.trust.coverage)))
    if _ATTRIBUTES_TEXT.fullmatch(attributes):
        headers.append((_ATTRIBUTES, attributes))
    return headers
