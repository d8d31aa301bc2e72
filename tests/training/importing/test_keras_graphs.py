"""Networks within networks are dissolved into their layers."""

import keras
import numpy as np
import pytest
from keras import layers

from training.importing.keras_graphs import callers, inline


def block(name: str) -> keras.Model:
    """Build a network whose layers have the same names as those of other blocks."""
    row = keras.Input((4,))
    hidden = layers.Dense(4, activation="tanh", name="hidden")(row)
    return keras.Model(row, [hidden, layers.Dense(4, name="other")(hidden * 2)], name=name)


def nested() -> keras.Model:
    """Build a network with blocks, one of which is called twice."""
    row = keras.Input((4,))
    first, second = block("first"), block("second")
    wrapped = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="hidden")])
    _, hidden = first(row)
    hidden, _ = second(wrapped(first(hidden)[1]))
    return keras.Model(row, layers.Dense(1, name="other")(hidden))


def test_inlined_network_has_the_same_answers_and_no_networks_in_it() -> None:
    network = nested()
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    expected = network.predict(rows, verbose=0)

    inlined = inline(network)

    assert inlined.predict(rows, verbose=0) == pytest.approx(expected, abs=1e-6)
    assert not any(isinstance(each, keras.Model) for each in inlined.layers)
    names = [each.name for each in inlined.operations]
    assert len(set(names)) == len(names)


def test_layer_gets_a_name_that_tensorflow_takes() -> None:
    row = keras.Input((4,))

    inlined = inline(keras.Model(row, layers.Dense(1, name="_Größe in m²")(row)))

    assert inlined.layers[-1].name == ".Gr..e.in.m."


def test_callers_are_those_of_the_inlined_network_alone() -> None:
    inlined = inline(nested())

    assert [each.name for each, _ in callers(inlined, inlined.inputs[0])] == ["hidden"]
