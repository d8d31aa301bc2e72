"""What a request is taken to cost before it is computed."""

import struct
import zlib

import pytest

from service.http import costs
from tests.arrow_tables import arrow, parquet_file
from tests.bundles import picture_manifest, table_manifest
from tests.fakes import picture, price, table, weigh
from vitrine.model import Model
from vitrine.options import Options

MAX_PIXELS = 10_000


def declaring(width: int, height: int) -> bytes:
    """Return a PNG file that declares another size than it has."""
    file = picture()
    header = file[12:16] + struct.pack(">II", width, height) + file[24:29]
    return file[:12] + header + struct.pack(">I", zlib.crc32(header)) + file[33:]


def model() -> Model:
    """Return a model of pictures."""
    return Model(picture_manifest(), weigh)


@pytest.mark.parametrize("size", [(28, 2**32 - 1), (100_000, 100_000), (101, 100)])
def test_picture_that_will_be_refused_for_its_size_costs_little(size: tuple[int, int]) -> None:
    usual = costs.estimate(model(), Options(), [picture()], max_pixels=MAX_PIXELS)
    huge = declaring(*size)

    assert costs.estimate(model(), Options(), [huge], max_pixels=MAX_PIXELS) == usual
    limits = {"max_pixels": MAX_PIXELS, "max_instances": 1}
    assert costs.guess(model(), "image/png", huge, len(huge), **limits) == usual


def test_larger_picture_costs_more() -> None:
    sizes = [(28, 28), (400, 400), (1000, 1000), (5000, 5000)]
    seconds = [
        costs.estimate(model(), Options(), [declaring(*size)], max_pixels=25_000_000)
        for size in sizes
    ]

    assert seconds == sorted(set(seconds))


def test_longer_table_costs_more_in_every_format() -> None:
    def seconds(body: bytes) -> float:
        tables = Model(table_manifest(), price)
        return costs.guess(tables, "", body, len(body), max_pixels=MAX_PIXELS, max_instances=10_000)

    columns = {size: {"size": list(range(size)), "colour": ["red"] * size} for size in (10, 10_000)}
    for write in (arrow, parquet_file):
        assert seconds(write(columns[10])) < seconds(write(columns[10_000]))
    assert seconds(table(10)) < seconds(table(10_000))


def test_more_instances_than_are_read_cost_nothing_more() -> None:
    def seconds(body: bytes) -> float:
        limits = {"max_pixels": MAX_PIXELS, "max_instances": 100}
        return costs.guess(model(), "application/json", body[:4096], len(body), **limits)

    few, many = (b'{"instances": [' + b"{}," * count for count in (10, 10**6))
    reading = 2e-8 * (len(many) - len(few))  # a byte of JSON takes so long

    assert seconds(many) < 11 * seconds(few) + reading
