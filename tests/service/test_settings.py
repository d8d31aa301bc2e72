"""Settings: values are read from the environment, and a bad one stops the start."""

import pytest

from service.settings import InvalidSetting, Settings


def test_settings_default_to_the_loopback_address() -> None:
    assert (Settings().host, Settings().port) == ("127.0.0.1", 8080)


def test_settings_read_their_own_variables_only() -> None:
    environment = {
        "VITRINE_PORT": "9000",
        "VITRINE_MODELS": "/m",
        "VITRINE_DATA": "/d",
        "VITRINE_COVERAGE": "0.95",
        "PORT": "1",
    }

    settings = Settings.from_environment(environment)

    assert settings == Settings(port=9000, models="/m", coverage=0.95)


def test_platforms_say_where_they_send_requests() -> None:
    vertex = {
        "AIP_HTTP_PORT": "8081",
        "AIP_HEALTH_ROUTE": "/v1/endpoints/1/deployedModels/2",
        "AIP_PREDICT_ROUTE": "/v1/endpoints/1/deployedModels/2:predict",
        "AIP_STORAGE_URI": "",
        "AIP_MODE": "PREDICTION",
        "VITRINE_PORT": "8080",  # as the image has it
    }

    assert Settings.from_environment(vertex) == Settings(
        port=8081,
        health_route="/v1/endpoints/1/deployedModels/2",
        predict_route="/v1/endpoints/1/deployedModels/2:predict",
    )
    assert Settings.from_environment({"SAGEMAKER_BIND_TO_PORT": "9090"}).port == 9090


def test_storage_of_a_platform_is_read_unless_another_folder_is_named() -> None:
    named = {"AIP_STORAGE_URI": "/artifacts"}

    assert Settings.from_environment(named).models == "/artifacts"
    assert Settings.from_environment({**named, "VITRINE_MODELS": "own"}).models == "own"


def test_origins_are_read_as_browsers_name_them() -> None:
    settings = Settings.from_environment({"VITRINE_CORS_ORIGINS": "https://Example.org, null"})

    assert settings.cors_origins == "https://example.org,null"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("VITRINE_PROT", "1", "VITRINE_PROT is not a setting. Did you mean 'VITRINE_PORT'?"),
        ("VITRINE_PORT", "8O80", "VITRINE_PORT must be of type int. Received: '8O80'."),
        ("VITRINE_PORT", "", "Received: ''."),
        ("VITRINE_THREADS", "0", "VITRINE_THREADS must be at least 1. Received: '0'."),
        ("VITRINE_BODY_TIMEOUT_SECONDS", "nan", "must be at least 0.1. Received: 'nan'."),
        ("VITRINE_VERSIONS", "latest", "VITRINE_VERSIONS must be 'all', 'latest:N' or version"),
        ("VITRINE_DESIRED_STATE", "s3", "VITRINE_DESIRED_STATE must be 'server' or 'store'."),
        ("VITRINE_WATCH_SECONDS", "-1", "VITRINE_WATCH_SECONDS must be at least 0."),
        ("VITRINE_COVERAGE", "1", "VITRINE_COVERAGE must be at least 0.01 and below 1."),
        ("VITRINE_COVERAGE", "0", "VITRINE_COVERAGE must be at least 0.01 and below 1."),
        ("VITRINE_COVERAGE", "nan", "VITRINE_COVERAGE must be at least 0.01 and below 1."),
        ("VITRINE_COVERAGE", "90%", "VITRINE_COVERAGE must be of type float."),
        ("VITRINE_MAX_EXPLAINED", "0", "VITRINE_MAX_EXPLAINED must be at least 1."),
        ("VITRINE_CORS_ORIGINS", "https://a.org/", "VITRINE_CORS_ORIGINS must be '*', or origins"),
        ("VITRINE_MANAGEMENT_TOKEN", "x", "is no longer a setting. Make a management key instead"),
        ("VITRINE_OPEN_METRICS", "yes", "VITRINE_OPEN_METRICS must be of type bool."),
        ("VITRINE_LOG_SAMPLING", "1.5", "VITRINE_LOG_SAMPLING must be at least 0 and at most 1."),
        ("AIP_HTTP_PORT", "http", "AIP_HTTP_PORT must be of type int. Received: 'http'."),
        ("AIP_PREDICT_ROUTE", "predict", "AIP_PREDICT_ROUTE must be a path such as '/predict'."),
        ("AIP_STORAGE_URI", "gs://b/m", "AIP_STORAGE_URI names a bucket of Google Cloud Storage"),
        ("VITRINE_MODELS", "gs://b/m", "VITRINE_MODELS names a bucket of Google Cloud Storage"),
        ("VITRINE_DEFAULT_MODEL", "a/b", "VITRINE_DEFAULT_MODEL must be a name that a model can"),
        ("VITRINE_LOG_LEVEL", "loud", "must be DEBUG, INFO, WARNING or ERROR. Received: 'loud'."),
    ],
    ids=[
        "unknown",
        "not a number",
        "empty",
        "too small",
        "nan",
        "policy",
        "place",
        "negative",
        "whole coverage",
        "no coverage",
        "coverage nan",
        "coverage in percent",
        "nothing explained",
        "origin with a path",
        "removed",
        "not a flag",
        "share",
        "port of a platform",
        "relative route",
        "storage of a platform",
        "storage of Google",
        "impossible model",
        "level",
    ],
)
def test_bad_setting_stops_the_start(name: str, value: str, message: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environment({name: value})

    assert message in str(caught.value)
