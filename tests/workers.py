"""Several workers of one server in one process, brought on one tick at a time."""

import threading
from collections.abc import Callable
from pathlib import Path

from service.rollout.agent import Agent
from service.rollout.control_plane import LocalControlPlane
from service.rollout.controller import Controller
from service.rollout.desired import Edit
from service.rollout.inventory import Inventory
from service.rollout.loader import Loader
from service.rollout.model_store import FolderStore
from service.rollout.repository import Repository
from service.rollout.state_folder import StateFolder
from service.version_policy import Policy
from vitrine.errors import VitrineError


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
        make_loader: Callable[[Path], Loader] = lambda models: Loader(models, threads=1),
        read: Callable[[Path], bytes] = Path.read_bytes,
    ) -> None:
        self._models = models
        self._policy = policy
        self._make_loader = make_loader
        self._read = read
        self.folder = folder
        self.states: list[StateFolder] = []
        self.agents: list[Agent] = []
        self.repositories: list[Repository] = []
        self.control_planes: list[LocalControlPlane] = []

    def add(self, *, watch_seconds: float = 1e-9) -> Agent:
        """Add one more worker, which lists the models folder at every tick."""
        state = StateFolder(self.folder, process=len(self.states) + 1, read=self._read)
        store, loader, repository = (
            FolderStore(self._models),
            self._make_loader(self._models),
            Repository(),
        )
        inventory = Inventory(store, watch_seconds=watch_seconds)
        controller = Controller(state, inventory, loader, policy=self._policy, notice_seconds=0)
        agent = Agent(state, controller, loader, repository)
        state.join()
        self.states.append(state)
        self.agents.append(agent)
        self.repositories.append(repository)
        self.control_planes.append(LocalControlPlane(state, store, loader, repository))
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
