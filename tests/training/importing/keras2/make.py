"""Write networks.zip, which holds networks as Keras 2 saved them.

TF_USE_LEGACY_KERAS=1 python tests/training/importing/keras2/make.py, where tf_keras is installed.

One of pictures in each of the three formats, one of rows in the format that names its input's shape
twice, and small ones of what Keras 3 misreads in two formats. Each comes with instances and what
Keras 2 answered about them.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tensorflow as tf
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


def nested() -> tf_keras.Model:
    """Build what Teachable Machine saves: Sequentials in a Sequential, around a base."""
    image = tf_keras.Input((8, 8, 3))
    hidden = layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2, name="block/conv")(image))
    base = tf_keras.Model(image, layers.ReLU(6.0)(hidden))
    base.layers[1].trainable = False
    head = [layers.Dense(5, input_shape=(4,)), layers.ThresholdedReLU(0.1)]
    head.append(layers.Dense(2, activation="softmax", use_bias=False))
    body = tf_keras.Sequential([base, layers.GlobalAveragePooling2D()])
    return tf_keras.Sequential([body, tf_keras.Sequential(head)])


def connected() -> tf_keras.Model:
    """Build a graph with networks in it, operations, and calls of several arguments."""
    steps = tf_keras.Input((6, 4), name="steps")
    scaled = tf.nn.bias_add(steps[..., ::-1], [1.0, 2.0, 3.0, 4.0]) / [2.0, 3.0, 4.0, 5.0] - 1.0
    noisy = tf_keras.Sequential([layers.GaussianNoise(0.1), layers.Dense(4)])(scaled)
    first, second = tf_keras.Input((6, 4)), tf_keras.Input((6, 4))
    outputs = [layers.Dense(3)(first), layers.Dense(4)(first + second)]
    _, both = tf_keras.Model([first, second], outputs)([noisy, scaled], training=False)
    one = tf_keras.Sequential([layers.Dense(4, input_shape=(6, 4)), layers.LayerNormalization()])
    both = tf.concat([one(both), one(1.0 - both)], axis=-1)
    attended = layers.MultiHeadAttention(2, 3)(both, value=noisy)
    summary, *state = layers.LSTM(4, return_state=True)(attended)
    hidden = layers.LSTM(4)(noisy, initial_state=state)
    mean = tf.reduce_mean(attended, axis=1)
    return tf_keras.Model(steps, layers.Dense(1)(layers.Concatenate()([hidden, summary, mean])))


def normalized() -> tf_keras.Model:
    """Build a tutorial's regression, whose first layer learns before the network has an input."""
    scale = layers.Normalization(axis=-1)
    scale.adapt(np.random.default_rng(0).normal((0, 5, 90), (1, 9, 5), (20, 3)))
    return tf_keras.Sequential([scale, layers.Dense(4, activation="relu"), layers.Dense(1)])


def normalized_alone() -> tf_keras.Model:
    """Build the same of one column, whose statistics have no axis."""
    scale = layers.Normalization(input_shape=(1,), axis=None)
    scale.adapt(np.array([1.0, 2.0, 6.0]))
    return tf_keras.Sequential([scale, layers.Dense(1)])


def mixed() -> tf_keras.Model:
    """Build a network that computes with 16 bits and keeps weights of 32."""
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    hidden = [layers.Dense(4, input_shape=(3,)), layers.Dense(2)]
    network = tf_keras.Sequential([*hidden, layers.Activation("softmax", dtype="float32")])
    tf_keras.mixed_precision.set_global_policy("float32")
    return network


def write_untrained(folder: Path, name: str, network: tf_keras.Model, x: np.ndarray) -> None:
    """Write a network, whose weights are drawn, in both formats of one file."""
    rng = np.random.default_rng(0)
    network(x)
    for weight in network.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) / 2)
    network.save(folder / f"{name}.h5")
    if name != "connected":  # an ellipsis in an index can be saved in the old format only
        network.save(folder / f"{name}.keras")
    np.savez(folder / f"{name}.npz", taken=x, given=network.predict(x, verbose=0))


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

    write_untrained(folder, "nested", nested(), rng.normal(size=(6, 8, 8, 3)).astype(np.float32))
    write_untrained(folder, "connected", connected(), rng.normal(size=(6, 6, 4)).astype(np.float32))
    write_untrained(folder, "normalized", normalized(), x * 9)
    write_untrained(folder, "normalized_alone", normalized_alone(), x[:, :1])
    write_untrained(folder, "mixed", mixed(), x)


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        write(Path(made))
        shutil.make_archive(str(ARCHIVE), "zip", made)
