"""One text may be spelled in several ways."""

from collections.abc import Mapping

import pytest

from vitrine.tables.spelling import boolean_words, known_names, nfc, same_booleans

COMPOSED, DECOMPOSED = "\xe1rea", "a\u0301rea"


def test_accent_becomes_one_character_with_its_letter() -> None:
    assert nfc(DECOMPOSED) == COMPOSED
    assert nfc(COMPOSED) == COMPOSED


@pytest.mark.parametrize(
    ("received", "known"), [(DECOMPOSED, COMPOSED), (COMPOSED, DECOMPOSED)], ids=["NFD", "NFC"]
)
def test_name_is_known_in_both_spellings(received: str, known: str) -> None:
    assert known_names([received, "other", "\xe9t\xe9", 7], [known, "x"]) == {received: known}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["TRUE", "True", "false"], {"TRUE": "true", "True": "true", "false": "false"}),
        (["Yes", "YES", "No"], {"Yes": "yes", "YES": "yes", "No": "no"}),
        (["Y", "y", "N"], {"Y": "y", "y": "y", "N": "n"}),
        (["Oui", "oui"], {"Oui": "oui", "oui": "oui"}),
        (["Yes", "yes", "maybe"], {"Yes": "yes", "yes": "yes"}),
        (["TRUE", "FALSE"], {}),
        (["Y", "y", "X"], {}),
        (["Cat", "cat"], {}),
    ],
    ids=["true", "yes", "y", "oui", "beside others", "one spelling", "codes", "others"],
)
def test_words_for_yes_and_no_have_no_case(texts: list[str], expected: Mapping[str, str]) -> None:
    assert same_booleans(texts) == expected


def test_short_words_are_boolean_only_in_a_pair() -> None:
    assert {"y", "n"} <= boolean_words(["Y", "N"])
    assert "n" not in boolean_words(["N", "S", "E", "W"])
