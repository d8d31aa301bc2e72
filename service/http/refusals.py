"""The answers to what is no HTTP request, which no route ever sees."""

from http import HTTPStatus

from service.http import problems
from service.http.context import RequestContext
from service.http.reply import Reply, complete
from service.telemetry.metrics import Metrics
from service.telemetry.observer import PredictionObserver
from vitrine.observer import Unlimited

# Name of the refusals among the extensions of an application.
REFUSALS = "vitrine.refusals"


class Refusals:
    """Answers what is no request, counts it and logs it.

    Args:
        metrics: Where it is counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def answer(self, status: HTTPStatus, detail: str, remote: str) -> Reply:
        """Say why something is refused.

        Args:
            status: HTTP status of the answer.
            detail: What is wrong.
            remote: Address of the client.
        """
        context = RequestContext(
            method="",
            path="",
            remote=remote,
            given_id="",
            slot=Unlimited(),
            observer=PredictionObserver(self._metrics),
        )
        body = problems.write_problem(problems.of_status(status, context, detail))
        reply = complete(context, status, [("Content-Type", problems.PROBLEM_TYPE)], body)
        context.finish()
        return reply
