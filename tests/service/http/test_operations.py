"""Routes and their descriptions are declared together."""

import pytest
from flask import Blueprint, Flask

from service.http import operations
from service.http.operations import Operation, open_rules, operations_of

# Answered by the server and by Flask, on every path.
_EVERYWHERE = {"HEAD", "OPTIONS"}


def answer() -> str:
    """Answer."""
    return "here"


def test_every_route_has_a_description(app: Flask) -> None:
    declared = [(each.rule, each.method) for each in operations_of(app)]
    routed = [
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - _EVERYWHERE
    ]

    assert sorted(declared) == sorted(routed)


def test_declared_route_is_answered() -> None:
    routes = Blueprint("routes", __name__)
    here = Operation(rule="/here", view=answer, tag="t", summary="Answer.")
    operations.add(routes, [here])
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(routes)

    assert app.test_client().get("/here").text == "here"
    assert operations_of(app) == [here]


@pytest.mark.parametrize("rule", ["/livez", "/readyz", "/"])
def test_health_and_first_page_need_no_key(app: Flask, rule: str) -> None:
    assert rule in open_rules(app)
    assert "/models" not in open_rules(app)
