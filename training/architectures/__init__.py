"""The networks, each a function from shapes to a keras.Model.

    pictures.py       classifiers of pictures
    novelty.py        the novelty score that is added to one
    autoencoder.py    reconstructs pictures
    tables.py         learns from a transfer set: embeddings and three hidden layers
    plain_tables.py   a multilayer perceptron on the rows of a table
    table_inputs.py   one input for each column, as the signature has them
    quantiles.py      the quantiles that are added to a regression
    heads.py          the last layer and the loss of a table's network
    labels.py         the layer that class labels come out of
    hidden.py         the hidden layers of a multilayer perceptron
    embeddings.py     columns of a table -> what its hidden layers get
    calendar.py       dates -> weekday, day of the year, part of the day

Raw levels and raw columns go in, probabilities or values come out: all scaling is inside.
"""
