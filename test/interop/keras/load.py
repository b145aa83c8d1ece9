"""Loads an exported model with Keras, runs it on arrays, and prints the largest difference from what is expected."""

import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
import keras

folder = sys.argv[1]
with open(os.path.join(folder, "case.json")) as file:
    case = json.load(file)
with open(os.path.join(folder, "net.json")) as file:
    model = keras.models.model_from_json(file.read())
model.load_weights(os.path.join(folder, "net.weights.h5"))


def array(name, last):
    values = np.load(os.path.join(folder, name))
    return np.moveaxis(values, 1, -1) if last else values


inputs = {item["name"]: array(item["file"], item["last"]) for item in case["inputs"]}
given = [inputs[tensor.name] for tensor in model.inputs]
found = model.predict_on_batch(given if len(given) > 1 else given[0])
found = found if isinstance(found, (list, tuple)) else [found]
worst = 0.0
for item, values in zip(case["outputs"], found):
    expected = array(item["file"], item["last"])
    assert values.shape == expected.shape, (values.shape, expected.shape)
    worst = max(worst, float(np.abs(values - expected).max() / max(np.abs(expected).max(), 1e-3)))
print(worst)
