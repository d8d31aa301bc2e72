"""Paths, predictions and errors of TensorFlow Serving's REST language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint

from service.errors import LabelNotFound, ModelNotFound, ModelUnavailable, VersionNotFound
from service.http.content import JSON_TYPE
from service.http.context import RequestContext
from service.http.dialects.parts import DialectParts
from service.http.dialects.tensorflow_serving import (
    documents,
    inputs,
    outputs,
    paths,
    signatures,
    states,
)
from service.http.dialects.tensorflow_serving.descriptions import (
    describe_predict,
    describe_results,
)
from service.http.languages import Question, View
from service.http.operations import PREDICTION_ERRORS, Operation
from service.http.predictor import Body, Prepared, Target, answer_headers
from service.http.problems import ErrorBody, Problem
from service.http.reply import Headers
from vitrine.block_stream import BlockStream
from vitrine.errors import InvalidInstances, TooManyInstances
from vitrine.model import Model
from vitrine.options import Options
from vitrine.pipeline import MakeEncoder

_OPTIONS = Options()
_VERBS = ("predict", "classify", "regress")
_PLACE = re.compile(r"#/instances/(\d+)")
# That server answers with these, or whoever stands before it; whatever else is the client's mistake
# is 400 there.
_KEPT = frozenset(
    (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,
    )
)


@dataclass(frozen=True, slots=True)
class TensorFlowServing:
    """TensorFlow Serving's REST language.

    Attributes:
        parts: What the language is made of.
    """

    parts: DialectParts
    prefixes: Sequence[str] = ("/v1",)
    rules: Sequence[str] = tuple(
        f"/v1/models/<name>{version}:{verb}"
        for verb in _VERBS
        for version in ("", "/versions/<version:version>", "/labels/<label>")
    )
    probes: Sequence[str] = ()
    reads_csv: bool = False

    def target(self, names: Mapping[str, str], query: str) -> Target:
        """Say what a path asks for."""
        return Target.named(names, query)

    def respell(self, path: str) -> str:
        """Return a path in the spelling of the rules: upper and lower case are alike."""
        return paths.respell(path)

    def prepare(self, question: Question, body: Body, context: RequestContext) -> Prepared:
        """Find the model, and read the body.

        Raises:
            VitrineError: The request cannot be answered.
        """
        predictor, observer = self.parts.predictor, context.observer
        model = predictor.select(question.target, context)
        pipeline = predictor.pipeline(model, _OPTIONS, context)
        pipeline.takes_infinite = True
        with observer.decode:
            document = self._read(question, model, body)
            verb = question.rule.rpartition(":")[2]
            if verb == "predict":
                stream, encoder = self._prediction(question, model, document)
            else:
                stream, encoder = self._results(question, model, document, verb)
        return Prepared(
            model=model,
            pipeline=pipeline,
            stream=stream,
            make_encoder=encoder,
            headers=partial(_headers, model),
        )

    def _read(self, question: Question, model: Model, body: Body) -> dict[str, Any]:
        limit, coding = self.parts.settings.max_body_bytes, question.media.content_encoding
        body.limit(limit)
        if documents.is_packed(coding):
            # How much is in it is not known before.
            question.admit(model, _OPTIONS, None)
        return documents.read_document(documents.unpack(body.read_all(), coding, max_bytes=limit))

    def _prediction(
        self, question: Question, model: Model, document: dict[str, Any]
    ) -> tuple[BlockStream, MakeEncoder]:
        name = _signature_to_predict(model, document)
        key, value = inputs.choose(document)
        is_rows = key == "instances"
        stream, is_flat = self._instances(question, model, value, is_rows=is_rows)
        write: outputs.Write = outputs.detailed
        if name == signatures.DEFAULT:
            write = outputs.own_output(model, is_flat=is_flat)
        wrap = outputs.in_rows if is_rows else outputs.in_columns
        return stream, lambda *_: outputs.Encoder(write, wrap)

    def _instances(
        self, question: Question, model: Model, value: Any, *, is_rows: bool
    ) -> tuple[BlockStream, bool]:
        """Read instances in rows or in columns; say whether a value stands there by itself."""
        signature = model.manifest.signature
        if signature.picture is not None:
            read = inputs.pictures_of_rows if is_rows else inputs.pictures_of_columns
            pictures = read(value, signature.picture.name)
            return self._pictures(question, model, pictures), False
        take = inputs.cells_of_rows if is_rows else inputs.cells_of_columns
        cells = take(value, signature.columns)
        return self._rows(question, model, cells), cells.is_flat

    def _results(
        self, question: Question, model: Model, document: dict[str, Any], verb: str
    ) -> tuple[BlockStream, MakeEncoder]:
        _check_method(model, documents.signature_name(document), verb)
        stream = self._examples(question, model, document)
        write = (
            outputs.classes(model)
            if verb == "classify"
            else outputs.own_output(model, is_flat=True)
        )
        return stream, lambda *_: outputs.Encoder(write, outputs.as_results)

    def _examples(self, question: Question, model: Model, document: dict[str, Any]) -> BlockStream:
        signature = model.manifest.signature
        picture = signature.picture
        if picture is not None:
            pictures = inputs.pictures_of_examples(document, picture.name, picture.shape)
            return self._pictures(question, model, pictures)
        return self._rows(question, model, inputs.cells_of_examples(document, signature.columns))

    def _pictures(
        self, question: Question, model: Model, pictures: Sequence[object]
    ) -> BlockStream:
        self._check_count(len(pictures))
        return self.parts.predictor.instances(model, pictures, _OPTIONS, question.admit)

    def _rows(self, question: Question, model: Model, cells: inputs.Cells) -> BlockStream:
        self._check_count(cells.count)
        question.admit(model, _OPTIONS, [cells.columns] * cells.count)
        block = inputs.block_of(cells, model.manifest.signature.columns)
        return BlockStream(blocks=[block])

    def _check_count(self, count: int) -> None:
        if count > self.parts.settings.max_instances:
            raise TooManyInstances("instances", self.parts.settings.max_instances)

    def error_body(self, problem: Problem) -> ErrorBody:
        """Say what is wrong with a request, as that server does."""
        status, message = _said(problem)
        body = b'{ "error": ' + orjson.dumps(message) + b" }\n"
        return ErrorBody(status, JSON_TYPE, body)

    def operation(self, rule: str, view: View) -> Operation:
        """Declare a route of predictions."""
        verb = rule.rpartition(":")[2]
        limit = self.parts.settings.max_instances

        def describe(model: Model | None) -> Mapping[str, Any] | None:
            if verb == "predict":
                return describe_predict(model, limit)
            return describe_results(verb, model, limit)

        return Operation(
            rule=rule,
            method="POST",
            view=view,
            tag="TensorFlow Serving",
            summary=_SUMMARIES[verb],
            describe=describe,
            errors=[*PREDICTION_ERRORS, *states.not_found(rule)],
        )

    def blueprint(self) -> Blueprint | None:
        """Return the routes that tell what is served."""
        return states.States(self.parts.repository).blueprint()


_SUMMARIES = {
    "predict": "Predict every instance in the body.",
    "classify": "Return the class labels of every example in the body, each with its score.",
    "regress": "Return the value of every example in the body.",
}


def _signature_to_predict(model: Model, document: Mapping[str, Any]) -> str:
    """Return the name of the signature that `predict` is asked for.

    Raises:
        InvalidInstances: There is no such signature, or it has another method.
    """
    name = documents.signature_name(document) or signatures.DEFAULT
    if signatures.methods(model).get(name) != signatures.PREDICT:
        shown = documents.show(name)
        raise documents.invalid(f"Serving signature name: {shown} not found in signature def")
    return name


def _check_method(model: Model, name: str, verb: str) -> None:
    """Check that a signature has the method `classify` or `regress`; the default one has both.

    Raises:
        InvalidInstances: It has not, or there is no such signature.
    """
    methods = signatures.methods(model)
    wanted = signatures.CLASSIFY if verb == "classify" else signatures.REGRESS
    name = name or signatures.DEFAULT
    if name == signatures.DEFAULT and wanted in methods:
        return
    if name not in methods:
        shown = documents.show(name)[1:-1]
        raise documents.invalid(f"No signature was found with the name: {shown}")
    if methods[name] != wanted:
        kind = "classification" if verb == "classify" else "regression"
        rule = f"Expected {kind} signature method_name to be {wanted}."
        raise documents.invalid(f"{rule} Was: {methods[name]}")


def _headers(model: Model) -> Headers:
    return answer_headers(model, JSON_TYPE)


# That server knows no other reason why there is no answer. Where it is a label that is missing, the
# path may be malformed as well.
_NOT_SERVED = frozenset(
    error.slug() for error in (ModelNotFound, VersionNotFound, ModelUnavailable, LabelNotFound)
)
_NO_ROUTE = frozenset((HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED))


def _said(problem: Problem) -> tuple[int, str]:
    """Return the status and the message of an answer."""
    kind, status, error = problem.kind, problem.status, problem.error
    asked = paths.parse(problem.method, problem.path)
    if kind == LabelNotFound.slug() and asked is not None:
        return HTTPStatus.BAD_REQUEST, paths.unknown_label(asked)
    if kind in _NOT_SERVED or (kind is None and status in _NO_ROUTE):
        return paths.not_served(problem.method, problem.path)
    if isinstance(error, InvalidInstances):
        return HTTPStatus.BAD_REQUEST, _fault(error)
    is_kept = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _KEPT
    return status if is_kept else HTTPStatus.BAD_REQUEST, problem.detail


def _fault(error: InvalidInstances) -> str:
    """Return the first fault, with the place of the instance that has it."""
    fault = error.faults[0]
    place = _PLACE.match(fault.pointer or "")
    if place is None or (error.count == 1 and place[1] == "0"):
        return fault.detail
    return f"Failed to process element: {place[1]}. Error: INVALID_ARGUMENT: {fault.detail}"
