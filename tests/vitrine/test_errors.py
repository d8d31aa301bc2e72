"""Errors compose their own messages."""

from service.errors import ModelNotFound, VersionNotFound
from vitrine.errors import MAX_FAULTS, Fault, InvalidInstances, misspelt, nearest, shown


def test_shown_value_is_cut_to_forty_characters() -> None:
    assert shown("x" * 1000) == repr("x" * 39 + "…")


def test_shown_value_escapes_control_characters() -> None:
    assert shown("a\nb") == r"'a\nb'"


def test_nearest_ignores_case() -> None:
    assert nearest("DIGIT", ["digits", "housing"]) == " Did you mean 'digits'?"


def test_nearest_is_silent_when_nothing_is_near() -> None:
    assert nearest("zebra", ["digits", "housing"]) == ""


def test_name_is_misspelt_for_the_one_that_it_is_most_like() -> None:
    missing = ["latitude", "longitude", "age", "rooms"]

    assert misspelt(missing, ["Longitud", "AGE", "price"]) == {
        "longitude": "Longitud",
        "age": "AGE",
    }


def test_slug_is_the_class_name_in_kebab_case() -> None:
    assert ModelNotFound.slug() == "model-not-found"


def test_model_not_found_names_the_nearest() -> None:
    assert "Did you mean 'digits'?" in ModelNotFound("digit", ["digits"]).detail


def test_version_not_found_lists_what_is_served() -> None:
    assert VersionNotFound("digits", 9, [2, 1]).detail.endswith("served: 1, 2.")


def test_invalid_instances_cap_their_faults_but_count_them() -> None:
    faults = [Fault(detail=f"fault {index}") for index in range(50)]

    error = InvalidInstances(faults)

    assert len(error.faults) == MAX_FAULTS
    assert error.detail.startswith("50 faults were found. The first 20 are listed. fault 0")
