"""The limits that the card of an imported network names."""

from training.importing.plans import Plan
from training.publishing.manifest import Export
from vitrine.bundle import Origin
from vitrine.signature import ValueOutput


def limits_text(origin: Origin, export: Export, plan: Plan, *, is_keras: bool) -> str:
    """Return the limits of an imported network as a Markdown list.

    Args:
        origin: How the version was made.
        export: What was measured of the exported file.
        plan: How the network is served.
        is_keras: Whether the saved network was a Keras network, not a SavedModel.
    """
    limits = [
        f"- Imported from `{origin.data}`. What it was trained on is not known, so it has "
        f"no scores and is not calibrated.{_probability_limit(plan)}",
        _picture_limit(plan) if plan.signature.picture is not None else _row_limit(),
    ]
    if plan.sample:
        limits.append(
            "- Its ranges are those of a sample, which may differ from its training data."
        )
    if not is_keras:
        limits.append("- It was a SavedModel, so there is no Keras network to compare with.")
    elif export.onnx_difference is None:
        limits.append(
            "- It could not be exported as ONNX, so only a service with TensorFlow runs it."
        )
    return "\n".join(limits)


def _probability_limit(plan: Plan) -> str:
    if isinstance(plan.signature.prediction, ValueOutput):
        return ""
    return " Its probabilities may be far too sure."


def _picture_limit(plan: Plan) -> str:
    return (
        f"- The saved network receives pictures with levels from {plan.levels.text}. If the "
        "pictures of its training were prepared in another way, its predictions are wrong."
    )


def _row_limit() -> str:
    return (
        "- The saved network receives rows as they are sent. Preparation outside of the network "
        "before training, such as scaling, is not repeated here. Missing values may be unknown to "
        "the network."
    )
