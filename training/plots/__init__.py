"""The plots of the model cards, and the style of all plots.

    style.py            colours, fonts, and the PNG that a plot is saved as
    texts.py            fonts, characters that no font has, and long names
    history.py          loss and accuracy by epoch
    confusion.py        confusion matrix
    residuals.py        predicted and true values, and their differences
    intervals.py        width of prediction intervals
    ranking.py          ROC and precision-recall curves
    label_scores.py     frequency, precision and recall of each label
    reliability.py      reliability diagram
    credibility.py      distribution of credibility
    anomaly_scores.py   distribution of anomaly scores
    pictures.py         pictures with what is predicted for them
    reconstructions.py  pictures and what an autoencoder makes of them
    golden_rows.py      what is predicted for rows made by code
    surface.py          what is predicted over two features

Each function draws one figure and writes one PNG.
"""
