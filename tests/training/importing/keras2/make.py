"""Write networks.zip, which holds networks as Keras 2 saved them.

TF_USE_LEGACY_KERAS=1 python tests/training/importing/keras2/make.py, where tf_keras is installed.

One of pictures in each of the three formats, one of rows in the format that names its input's shape
twice, each with instances and what Keras 2 answered about them.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tf_keras  # type: ignore[import-not-found]
from tf_keras import layers

ARCHIVE = Path(__file__).parent / "networks"


def pictures() -> tf_keras.Model:
    """Build what Keras 3 no longer takes as it is: see the arguments in its configuration."""
    image = tf_keras.Input((8, 8, 1), name="image")
    hidden = layers.Rescaling(1 / 255)(image)
    hidden = layers.RandomFlip("horizontal")(hidden)
    hidden = layers.SeparableConv2D(3, 3)(hidden)
    hidden = layers.DepthwiseConv2D(2)(hidden)
    hidden = layers.SpatialDropout2D(0.1)(layers.BatchNormalization()(hidden))
    hidden = layers.LSTM(4)(layers.Reshape((5, 15))(hidden))
    hidden = layers.Dropout(0.2)(layers.Dense(8, activation="relu")(hidden))
    return tf_keras.Model(image, layers.Dense(3, activation="softmax")(hidden))


def rows() -> tf_keras.Model:
    """Build a tutorial's regression."""
    return tf_keras.Sequential([layers.Dense(4, activation="relu", input_dim=3), layers.Dense(1)])


def write(folder: Path) -> None:
    """Train each for one step, so that what training leaves behind is saved too."""
    rng = np.random.default_rng(0)
    tf_keras.utils.set_random_seed(0)
    x = rng.integers(0, 256, (6, 8, 8, 1)).astype(np.float32)
    network = pictures()
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(x, np.arange(6) % 3, verbose=0)
    network.save(folder / "pictures.h5")
    network.save(folder / "pictures.keras")
    network.save(folder / "pictures", save_format="tf")
    np.savez(folder / "pictures.npz", taken=x, given=network.predict(x, verbose=0))

    x = rng.normal(size=(6, 3)).astype(np.float32)
    network = rows()
    network.compile("adam", "mse")
    network.fit(x, x.sum(axis=1), verbose=0)
    network.save(folder / "rows.keras")
    np.savez(folder / "rows.npz", taken=x, given=network.predict(x, verbose=0))


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        write(Path(made))
        shutil.make_archive(str(ARCHIVE), "zip", made)
