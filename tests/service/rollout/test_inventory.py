"""When a store is listed, and how long a refusal holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from service.rollout.desired import DesiredState
from service.rollout.inventory import Inventory
from service.rollout.model_store import FolderStore
from service.rollout.reconcile import GIVEN_UP
from service.rollout.served import Rollout, ServedModel
from service.rollout.sources.source import SourceUnreachable
from tests.bundles import write_table_bundle
from vitrine.bundle import ONNX_NAME

HOUR_SECONDS = 3600.0
VERSION = ("rooms", 1)
SERVED = Rollout(
    number=4,
    revision=3,
    models={"rooms": ServedModel(versions=(2,), refused={1: GIVEN_UP, 3: "broken."})},
)


def desired(revision: int, *, asked: str = "rooms") -> DesiredState:
    """Return a desired state whose last change was of one model."""
    return DesiredState(revision=revision, asked={asked: revision})


class CountingStore(FolderStore):
    """A folder that counts its listings and whose source may be unreachable."""

    def __init__(self, folder: Path, *, is_reachable: bool = True) -> None:
        super().__init__(folder)
        self.listings = 0
        self.waits: list[bool] = []
        self._is_reachable = is_reachable

    def list_versions(self) -> Mapping[str, Sequence[int]]:
        """List the versions."""
        self.listings += 1
        return super().list_versions()

    def refresh(self, *, wait: bool) -> None:
        """Note who waits, and fail where the source is unreachable."""
        self.waits.append(wait)
        if not self._is_reachable:
            raise SourceUnreachable("s3://bucket cannot be read: AWS error.")


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    """A store with one version."""
    write_table_bundle(tmp_path)
    return CountingStore(tmp_path)


def test_store_is_listed_at_first_and_when_the_desired_state_changes(store: CountingStore) -> None:
    inventory = Inventory(store, watch_seconds=0)

    for revision in (0, 0, 1, 1):
        inventory.update(desired(revision), None)

    assert store.listings == 2
    assert store.waits == [True, True]
    assert inventory.listing is not None
    assert inventory.listing.versions == {"rooms": [1]}


def test_server_that_starts_waits_once_for_the_store(store: CountingStore) -> None:
    inventory = Inventory(store, watch_seconds=1e-9)

    for _ in range(3):
        inventory.update(desired(0), None)

    assert store.waits == [True, False, False]


@pytest.mark.parametrize(("watch_seconds", "listings"), [(1e-9, 3), (HOUR_SECONDS, 1), (0, 0)])
def test_store_is_listed_when_watching_says_so(
    store: CountingStore, watch_seconds: float, listings: int
) -> None:
    inventory = Inventory(store, watch_seconds=watch_seconds)

    for _ in range(3):
        inventory.update(desired(SERVED.revision), SERVED)

    assert store.listings == listings
    assert not any(store.waits)


def test_versions_that_another_controller_gave_up_stay_refused(store: CountingStore) -> None:
    inventory = Inventory(store, watch_seconds=1e-9)

    inventory.update(desired(SERVED.revision), SERVED)

    assert inventory.refused == {VERSION: GIVEN_UP}
    inventory.update(desired(SERVED.revision + 1), SERVED)
    assert inventory.refused == {}


def test_controller_that_takes_over_with_a_change_tries_all_again(store: CountingStore) -> None:
    inventory = Inventory(store, watch_seconds=0)

    inventory.update(desired(SERVED.revision), msgspec.structs.replace(SERVED, revision=2))

    assert (store.listings, inventory.refused) == (1, {})


def test_refusal_holds_while_other_models_change(store: CountingStore) -> None:
    inventory = Inventory(store, watch_seconds=1e-9)
    inventory.update(desired(0), None)
    inventory.refuse(VERSION, "broken.")

    inventory.update(desired(1, asked="attic"), SERVED)
    assert inventory.refused == {VERSION: "broken."}
    inventory.update(desired(2), SERVED)
    assert inventory.refused == {}


def test_refusal_holds_until_the_files_change(store: CountingStore) -> None:
    inventory = Inventory(store, watch_seconds=1e-9)
    inventory.update(desired(0), None)
    inventory.refuse(VERSION, "broken.")
    inventory.update(desired(0), SERVED)
    assert inventory.refused == {VERSION: "broken."}

    (store.folder / "rooms/1" / ONNX_NAME).write_bytes(b"other")
    inventory.update(desired(0), SERVED)

    assert inventory.refused == {}


def test_refusal_is_of_the_files_before_they_were_loaded(store: CountingStore) -> None:
    inventory = Inventory(store, watch_seconds=1e-9)
    inventory.update(desired(0), None)
    inventory.note_files([VERSION])
    (store.folder / "rooms/1" / ONNX_NAME).write_bytes(b"other")
    inventory.refuse(VERSION, "broken.")

    inventory.update(desired(0), SERVED)

    assert inventory.refused == {}


def test_refusal_holds_while_the_folder_is_lost(store: CountingStore) -> None:
    inventory = Inventory(store, watch_seconds=1e-9)
    inventory.update(desired(0), None)
    inventory.refuse(VERSION, "broken.")
    store.folder.rename(store.folder.with_name("elsewhere"))

    inventory.update(desired(0), SERVED)

    assert inventory.refused == {VERSION: "broken."}
    assert inventory.listing is not None
    assert str(inventory.listing.error).endswith("cannot be read: No such file or directory.")


def test_folder_is_listed_when_something_was_fetched(store: CountingStore) -> None:
    inventory = Inventory(store, watch_seconds=0)
    inventory.update(desired(0), None)

    store.refreshes += 1
    for _ in range(3):
        inventory.update(desired(0), None)

    assert (store.listings, store.waits) == (2, [True])


def test_unreachable_source_leaves_its_copy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_table_bundle(tmp_path)
    inventory = Inventory(CountingStore(tmp_path, is_reachable=False), watch_seconds=0)

    inventory.update(desired(0), None)

    assert inventory.listing is not None
    assert inventory.listing.versions == {"rooms": [1]}
    assert [record.message for record in caplog.records] == ["models source"]


def test_unreachable_source_without_a_copy_is_an_error(tmp_path: Path) -> None:
    inventory = Inventory(CountingStore(tmp_path / "none", is_reachable=False), watch_seconds=0)

    inventory.update(desired(0), None)

    assert inventory.listing is not None
    assert inventory.listing.error == "s3://bucket cannot be read: AWS error."
