"""Several workers of one server in one process, brought on one tick at a time."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from service.rollout.agent import Agent
from service.rollout.background import at_once
from service.rollout.control_plane import LocalControlPlane
from service.rollout.controller import Controller
from service.rollout.desired import Edit
from service.rollout.inventory import Inventory
from service.rollout.kept_versions import KeptVersions
from service.rollout.loader import Loader
from service.rollout.model_store import FolderStore
from service.rollout.repository import Repository
from service.rollout.shared_desired import SharedDesired
from service.rollout.sources.source import SharedFile
from service.rollout.state_folder import TRIALS, TRIED, VERSIONS, StateFolder
from service.rollout.trial import Outcome, Request
from service.rollout.trial_records import TrialRecords
from service.rollout.trials import Limits, Trials
from service.version_policy import Policy
from vitrine import bundle, loading
from vitrine.errors import VitrineError

LIMITS = Limits(seconds=6, max_bytes=2**28)


def try_here(request: Request) -> Outcome:
    """Try a version in this process, which is quicker, and within no limits."""
    folder = Path(request.folder)
    try:
        digest = bundle.manifest_digest(folder)
        loading.load_version(folder, threads=request.threads)
    except Exception as error:  # noqa: BLE001
        return Outcome(reason=loading.reason_of(error, folder))
    return Outcome(digest=digest)


def open_trials(
    models: Path, state: Path, *, run: Callable[[Request], Outcome] | None = None
) -> Trials:
    """Return trials that remember in a state folder, and know no others."""
    records = TrialRecords(state / TRIED, shipped=None, max_bytes=LIMITS.max_bytes)
    return Trials(models, records, LIMITS, threads=1, locks=state / TRIALS, run=run)


def follow(file: SharedFile, state: StateFolder, *, copy: Path | None = None) -> SharedDesired:
    """Share a desired state that is looked at in every tick, and by writers at once."""
    return SharedDesired(file, state, copy=copy, every_seconds=0, settle_seconds=0, start=at_once)


class Workers:
    """Workers whose ticks a test decides.

    Attributes:
        folder: Folder that the workers share.
        states: The folder as each worker uses it.
        agents, repositories, control_planes: Parts of each worker.
    """

    def __init__(
        self,
        models: Path,
        folder: Path,
        *,
        policy: Policy = "latest:2",
        run_trial: Callable[[Request], Outcome] = try_here,
        read: Callable[[Path], bytes] = Path.read_bytes,
        shared: SharedFile | None = None,
    ) -> None:
        self._models = models
        self._policy = policy
        self._run_trial = run_trial
        self._read = read
        self._shared = shared
        self.folder = folder
        self.states: list[StateFolder] = []
        self.agents: list[Agent] = []
        self.repositories: list[Repository] = []
        self.control_planes: list[LocalControlPlane] = []

    def add(self, *, watch_seconds: float = 1e-9) -> Agent:
        """Add one more worker, which lists the models folder at every tick."""
        state = StateFolder(
            self.folder, policy=self._policy, process=len(self.states) + 1, read=self._read
        )
        store, repository = FolderStore(self._models), Repository()
        trials = open_trials(self._models, self.folder, run=self._run_trial)
        kept = KeptVersions(self._models, self.folder / VERSIONS, trials)
        loader = Loader(self._models, trials, kept, threads=1, start=at_once)
        inventory = Inventory(store, watch_seconds=watch_seconds)
        shared = None if self._shared is None else follow(self._shared, state)
        controller = Controller(
            state, inventory, kept, shared=shared, notice_seconds=0, start=at_once
        )
        agent = Agent(state, controller, loader, repository)
        state.join()
        self.states.append(state)
        self.agents.append(agent)
        self.repositories.append(repository)
        self.control_planes.append(
            LocalControlPlane(state, store, trials, repository, desired=shared)
        )
        return agent

    def step(self, times: int = 1) -> None:
        """Let every worker's agent do one tick, in turn."""
        for _ in range(times):
            for agent in self.agents:
                agent.step()

    def served(self) -> list[list[int]]:
        """Return the versions that each worker serves."""
        return [list(repository.models.get("rooms", ())) for repository in self.repositories]

    def answering(self) -> list[int]:
        """Return the version by which each worker answers requests that name none."""
        return [repository.get("rooms").version for repository in self.repositories]

    def refused(self) -> list[dict[int, str]]:
        """Return the versions that each worker reports as refused."""
        return [repository.entry("rooms").serving.refused for repository in self.repositories]

    def end(self, index: int) -> None:
        """End a worker as a kill would: its locks are dropped."""
        self.states.pop(index).leave()
        for parts in (self.agents, self.repositories, self.control_planes):
            parts.pop(index)

    def lose_copies(self) -> None:
        """Delete the copies of the versions that are served."""
        shutil.rmtree(self.folder / VERSIONS)

    def change(self, edit: Edit, *, name: str = "rooms") -> VitrineError | None:
        """Change a model by the first worker while all go on, and return the error it raised."""
        raised: list[VitrineError] = []

        def change() -> None:
            try:
                self.control_planes[0].change(name, edit)
            except VitrineError as error:
                raised.append(error)

        changing = threading.Thread(target=change)
        changing.start()
        while changing.is_alive():
            self.step()
        changing.join()
        return raised[0] if raised else None
