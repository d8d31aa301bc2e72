"""How the workers of one server share its connections."""

from collections.abc import Iterator

import pytest

from service.server.sharing import Share, has_served


@pytest.fixture
def shares() -> Iterator[tuple[Share, Share]]:
    """The shares of two workers, which have no connections yet."""
    both = Share(1), Share(2)
    yield both
    for share in both:
        share.withdraw()


def test_worker_with_fewer_connections_accepts_the_next(shares: tuple[Share, Share]) -> None:
    one, other = shares
    one.set(3)
    other.set(1)

    assert one.leaves_next(3)
    assert not other.leaves_next(1)


def test_workers_with_as_many_connections_both_accept(shares: tuple[Share, Share]) -> None:
    for share in shares:
        share.set(2)

    assert [share.leaves_next(2) for share in shares] == [False, False]


@pytest.mark.parametrize(("more", "times"), [(1, 2), (3, 6), (100, 8)])
def test_connection_that_nobody_takes_is_accepted_in_the_end(
    shares: tuple[Share, Share], more: int, times: int
) -> None:
    one, other = shares
    one.set(more)
    other.set(0)

    left = [one.leaves_next(more) for _ in range(times + 1)]

    assert left == [*[True] * times, False]


def test_worker_that_is_gone_is_not_waited_for(shares: tuple[Share, Share]) -> None:
    one, other = shares
    one.set(5)
    other.set(0)
    other.withdraw()

    assert not one.leaves_next(5)
    one.withdraw()
    assert has_served()
