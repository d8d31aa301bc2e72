"""The Open Inference Protocol, version 2, as Triton, KServe and MLServer speak it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint

from service.errors import InvalidInferenceRequest, ModelNotFound, ModelUnavailable, VersionNotFound
from service.http.content import JSON_TYPE
from service.http.context import RequestContext
from service.http.dialects.open_inference.compression import accepted_coding, unpack
from service.http.dialects.open_inference.descriptions import INFER_ERRORS, describe_infer
from service.http.dialects.open_inference.inputs import open_tensors, raw_tensor
from service.http.dialects.open_inference.messages import (
    HEADER_LENGTH,
    InferRequest,
    read_count,
    read_header_length,
    read_message,
    unable,
)
from service.http.dialects.open_inference.metadata import trust_of
from service.http.dialects.open_inference.outputs import TensorEncoder, read_wanted
from service.http.dialects.open_inference.routes import Routes
from service.http.dialects.open_inference.tensors import Tensor, read_tensors
from service.http.dialects.parts import DialectParts
from service.http.languages import Question, View
from service.http.operations import Operation
from service.http.predictor import Body, Prepared, Target
from service.http.problems import ErrorBody, Problem
from vitrine.errors import Fault, shown
from vitrine.model import Model
from vitrine.options import Options

PREFIX = "/v2"
_MICROSECONDS = 1_000_000
_NO_CODINGS = frozenset(("", "identity"))
# Clients of this protocol know one status for whatever is wrong with a request's data.
_BAD_DATA = frozenset(
    (
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )
)
_INSTANCE = re.compile(r"#/instances/(\d+)")


@dataclass(frozen=True, slots=True)
class OpenInference:
    """The Open Inference Protocol.

    Attributes:
        parts: What it is made of.
    """

    parts: DialectParts
    prefixes: Sequence[str] = (PREFIX,)
    rules: Sequence[str] = tuple(
        f"{PREFIX}/models/<name>{version}/infer" for version in ("", "/versions/<version:version>")
    )
    probes: Sequence[str] = (f"{PREFIX}/health/live", f"{PREFIX}/health/ready")
    reads_csv: bool = False

    def target(self, names: Mapping[str, str], query: str) -> Target:
        """Say what a path asks for; the query says nothing."""
        return Target.named(names, query)

    def prepare(self, question: Question, body: Body, context: RequestContext) -> Prepared:
        """Find the model, and begin to read the body.

        Raises:
            VitrineError: The request cannot be answered.
        """
        predictor, observer = self.parts.predictor, context.observer
        model = predictor.select(question.target, context)
        with observer.decode:
            body.limit(predictor.settings.max_body_bytes)
            request, tensors, is_raw = self._read(question, body.read_all(), model)
        timeout = read_count(request.parameters or {}, "timeout")
        if timeout:
            question.limit(timeout / _MICROSECONDS)
        options = Options(coverage=_coverage(request))
        pipeline = predictor.pipeline(model, options, context)
        wanted = read_wanted(request, model, pipeline.trust, is_raw=is_raw)
        with observer.decode:
            stream = open_tensors(predictor, model, tensors, options, question.admit)
        coding = accepted_coding(question.header("accept-encoding"))
        encoder = TensorEncoder(request, model, wanted, pipeline.trust, coding)
        return Prepared(
            model=model,
            pipeline=pipeline,
            stream=stream,
            make_encoder=lambda *_: encoder,
            headers=encoder.headers,
        )

    def _read(
        self, question: Question, body: bytes, model: Model
    ) -> tuple[InferRequest, list[Tensor], bool]:
        """Read a body: its JSON, its tensors, and whether it is nothing but data."""
        coding = question.media.content_encoding
        if coding.lower() not in _NO_CODINGS:
            # What it unpacks to is not known before, as the length of a table is not.
            question.admit(model, Options(), None)
            body = unpack(body, coding, max_bytes=self.parts.settings.max_body_bytes)
        length = read_header_length(question.header(HEADER_LENGTH), len(body))
        if length == 0:
            return InferRequest(inputs=[]), [raw_tensor(model, body)], True
        request = read_message(body if length is None else body[:length])
        binary = None if length is None else memoryview(body)[length:]
        most = self.parts.settings.max_instances
        return request, read_tensors(request, binary, model.name, max_instances=most), False

    def error_body(self, problem: Problem) -> ErrorBody:
        """Say what is wrong with a request."""
        status = HTTPStatus.BAD_REQUEST if problem.status in _BAD_DATA else problem.status
        return ErrorBody(status, JSON_TYPE, orjson.dumps({"error": _message(problem)}))

    def operation(self, rule: str, view: View) -> Operation:
        """Declare a route of predictions."""
        return Operation(
            rule=rule,
            method="POST",
            view=view,
            tag="open inference protocol",
            summary="Predict every instance in the tensors.",
            describe=self._describe,
            errors=[*INFER_ERRORS, *([VersionNotFound] if "<version:version>" in rule else [])],
        )

    def _describe(self, model: Model | None) -> Mapping[str, Any]:
        trust = None if model is None else trust_of(model, self.parts.settings.coverage)
        return describe_infer(model, trust)

    def blueprint(self) -> Blueprint | None:
        """Return the routes of health, metadata, statistics and the repository."""
        return Routes(self.parts).blueprint()


def _coverage(request: InferRequest) -> float | None:
    value: Any = (request.parameters or {}).get("coverage")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        why = f"it must be a number between 0 and 1. Received: {shown(value)}."
        raise InvalidInferenceRequest(unable("coverage", why))
    return float(value)


def _message(problem: Problem) -> str:
    match problem.error:
        case ModelNotFound(name=name):
            return f"Request for unknown model: {shown(name)} is not found"
        case VersionNotFound(name=name, version=version):
            return f"Request for unknown model: {shown(name)} version {version} is not found"
        case ModelUnavailable(name=name, why=why):
            return f"Request for unknown model: {shown(name)} has no available versions. {why}"
    if problem.kind is None and problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem.title
    return _located(problem.detail, problem.faults)


def _located(detail: str, faults: Sequence[Fault]) -> str:
    """Say which of several pictures is wrong; of rows, the sentence says it itself."""
    pointer = faults[0].pointer if faults else None
    found = _INSTANCE.fullmatch(pointer or "")
    if found is None or detail.startswith("Instance"):
        return detail
    return f"Instance {found[1]}: {detail}"
