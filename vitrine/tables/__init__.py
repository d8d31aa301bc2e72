"""CSV and rows of JSON -> blocks of instances; columns -> CSV.

From the ground up; each imports only from those before it, and none knows the web or a model:

- `cells`: the text of one cell <-> its value.
- `records`: the bytes of a CSV body -> whole records -> fields.
- `blocks`: rows with their values, and what is wrong with the others.
- `header`: a CSV file's first line -> delimiter and columns.
- `arrow`: the fast way to read a block of CSV.
- `reader`: a CSV body -> blocks. `rows`: rows of JSON -> a block. `writer`: columns -> CSV.
- `files`: a whole file of unknown dialect -> columns of text, for training.

The modules are imported by their own names: `arrow`, `reader` and `files` need PyArrow, `writer`
needs orjson, and a model loads without either.
"""
