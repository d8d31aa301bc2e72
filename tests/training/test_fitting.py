"""A fit whose weights grow beyond all bounds."""

import pytest

from training.errors import CannotTrain
from training.fitting import require_finite
from training.history import History


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_history_without_a_finite_loss_is_refused(loss: float) -> None:
    with pytest.raises(CannotTrain, match="the loss is not a finite number"):
        require_finite(History({"loss": [1.0], "val_loss": [loss]}, kept=1))


def test_history_with_a_finite_loss_is_returned() -> None:
    history = History({"loss": [1.0], "val_loss": [2.0]}, kept=1)

    assert require_finite(history) is history
