"""What a language of another model server is made of."""

from dataclasses import dataclass

from service.http.management import Management
from service.http.predictor import Predictor
from service.rollout.control_plane import ControlPlane
from service.rollout.repository import Repository
from service.settings import Settings
from service.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class DialectParts:
    """What a language of another model server is made of.

    Attributes:
        settings: Limits, and which model answers where none is named.
        repository: What this worker serves.
        predictor: Finds models, and reads instances for them.
        metrics: What was counted, in all workers.
        control_plane: Changes what is served, in every worker.
        management: Says who may change what is served.
    """

    settings: Settings
    repository: Repository
    predictor: Predictor
    metrics: Metrics
    control_plane: ControlPlane
    management: Management
