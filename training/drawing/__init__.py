"""Pictures drawn by code, so that no data is shown, published or kept.

    digits.py               digits written by a pen
    clothes.py              outlines of clothes, shoes and bags
    scenes.py               discs, boxes and triangles
    letters.py              letters of five fonts
    out_of_distribution.py  pictures unlike those of any set, which an autoencoder should not know
    antialiasing.py         smooth edges

Golden examples are drawn here; no network is trained on them.
"""
