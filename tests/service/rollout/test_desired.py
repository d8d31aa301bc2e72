"""What operators want of a model."""

import msgspec

from service.rollout.desired import DesiredModel, DesiredState


def test_model_names_versions_one_by_one() -> None:
    model = DesiredModel(policy=(1, 2), labels={"stable": 3}, shadow=4)

    assert model.named == {1, 2, 3, 4}
    assert DesiredModel(policy="latest:2").named == set()


def test_model_for_which_nothing_is_desired_is_left_out() -> None:
    state = DesiredState(revision=7, models={"attic": DesiredModel(shadow=1)})

    labelled = state.edited("rooms", lambda model: msgspec.structs.replace(model, shadow=2))

    assert labelled.models == {"attic": DesiredModel(shadow=1), "rooms": DesiredModel(shadow=2)}
    assert labelled.revision == 7
    assert labelled.edited("rooms", lambda _: DesiredModel()).models == state.models
    assert labelled.asked == {"rooms": 8}
