"""The data that networks are trained on: found or downloaded, verified, read, and split by seed.

This room knows nothing about networks.

    tables.py          a CSV file -> parts with typed columns
    table_splits.py    which rows train, validate, calibrate and test
    targets.py         what a table predicts
    column_kinds.py    what each column of a table is
    quantities.py      columns of numbers: their units, marks, and texts for "nothing"
    date_orders.py     columns of dates: whether the day or the month comes first
    spellings.py       texts of a column that differ in upper and lower case only
    column_specs.py    ranges and vocabularies of the columns, learned from the training rows
    leaks.py           columns that give the target away
    csv_files.py       a whole CSV file, and its hash
    embedded_tables.py the small tables that come with scikit-learn
    pictures.py        a picture set -> parts
    picture_sets.py    the known picture sets, and folders of pictures
    picture_data.py    all pictures of a source, before they are split
    folders.py         the pictures of a folder, with one sub-folder for each class
    folder_layout.py   which sub-folders are classes, and which are parts that hold them
    published.py       the files of a published set: found or downloaded, and verified
    idx_files.py       the format of MNIST and Fashion-MNIST
    cifar_archives.py  the format of CIFAR-10 and CIFAR-100
    embedded_digits.py the small digits that come with scikit-learn
    parts.py           what the parts of all data have in common
    cache.py           the folder that keeps downloads
"""
