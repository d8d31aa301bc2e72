"""Model cards: what a version is, how it was made, what it scores, and where its limits are.

    *.md               the texts: templates whose `$names` are filled in
    templates.py       reads and fills a template
    card.py            the whole card
    identity.py        what a model predicts, and from what
    fit.py             epochs, steps and learning rate
    score_table.py     scores of every part
    coverage_table.py  coverage of sets and intervals, as promised and as observed
    input_table.py     inputs, their ranges and vocabularies
    network_table.py   layers, parameters and cost
    origin_table.py    how a version was made
    markdown.py        tables and images

References:
    Mitchell et al. (2019), Model cards for model reporting, arXiv:1810.03993.
"""
