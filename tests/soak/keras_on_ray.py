"""Plain Ray Data code that predicts with a Keras network, as the documentation of Ray has it.

`python tests/soak/keras_on_ray.py ADDRESS MODEL.keras INPUT OUTPUT` reads a folder of CSV files,
predicts in actors that load the network once, and writes a folder of CSV files.
"""

import sys
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import ray

ROWS_AT_ONCE = 1024
ACTORS = (1, 3)
# The network takes a category by its code; 0 and 1 stand for blanks and for others.
CODES = {"<1H OCEAN": 2, "INLAND": 3, "ISLAND": 4, "NEAR BAY": 5, "NEAR OCEAN": 6}
NUMBERS = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
)


class Network:
    """Predicts batches of houses.

    Args:
        path: Path of the Keras file.
    """

    def __init__(self, path: str) -> None:
        import keras  # noqa: PLC0415 - in the actors alone

        self._network = keras.saving.load_model(path, compile=False)

    def __call__(self, houses: pd.DataFrame) -> pd.DataFrame:
        """Predict the value of each house, and two quantiles."""
        inputs: dict[str, Any] = {name: houses[[name]].to_numpy("float32") for name in NUMBERS}
        codes = houses["ocean_proximity"].map(CODES).to_numpy("int32")
        inputs["ocean_proximity"] = codes[:, None]
        predicted = self._network.predict(inputs, batch_size=ROWS_AT_ONCE, verbose=0)
        lower, upper = predicted["quantiles"].T
        return pd.DataFrame({"value": predicted["value"][:, 0], "lower": lower, "upper": upper})


def main(address: str, model: str, source: str, target: str) -> None:
    """Predict a folder."""
    ray.init(address, log_to_driver=False)
    houses = ray.data.read_csv(source)
    predicted = houses.map_batches(
        Network,
        fn_constructor_args=(model,),
        batch_size=ROWS_AT_ONCE,
        batch_format="pandas",
        concurrency=ACTORS,
    )
    predicted.write_csv(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
