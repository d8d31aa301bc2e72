"""What many tutorials end with: Flask, a Keras model, and `model.predict` in the view."""

import os

import keras
from flask import Flask, request

from benchmarks.peers.services.pictures import read_picture

app = Flask(__name__)
model = keras.saving.load_model(f"{os.environ['BENCH_BUNDLE']}/model.keras", compile=False)


@app.post("/predict")
def predict() -> dict[str, list[float]]:
    """Answer the picture that is the body."""
    pixels = read_picture(request.get_data())[None]
    answer = model.predict({"image": pixels}, verbose=0)
    return {"probabilities": answer["probabilities"][0].tolist()}


@app.get("/livez")
def livez() -> str:
    """Answer that the process lives."""
    return "ok"
