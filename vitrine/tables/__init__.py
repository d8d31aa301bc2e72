"""CSV, Arrow, Parquet and rows of JSON -> blocks of instances; columns -> the same formats.

From the ground up; each module imports only from those before it, and none knows the web or a
model:

- `spelling`: the spellings of one text, such as "TRUE" and "true".
- `parsed`: what reading the cells of a column gives: values, blanks and faults.
- `amounts`: the text of an amount -> its sign, its number and its unit.
- `notation`: how numbers are written: the decimal mark and the thousands mark of a file.
- `numbers`, `dates`: the text of a number, or of a date -> its value.
- `cells`: the text of a cell of any kind -> its value, and the text of a category -> its code.
- `streams`: what the bytes of a body are read from. `formats`: what is no CSV, by its first bytes.
- `records`: the bytes of a CSV body -> whole records -> fields.
- `blocks`: rows, or pictures, with their values and their faults.
- `header_faults`: what is wrong with the line that names the columns.
- `header`: the line of a CSV file that names the columns -> the delimiter and the names.
- `arrow`, `text`: the fast and the thorough way to read a block of CSV.
- `reader`: a CSV body -> blocks. `rows`: rows of JSON -> a block. `writer`: columns -> CSV.
- `arrow_columns`: columns of Arrow -> the cells of a model's columns. `limits`: how much a table
  may hold. `arrow_blocks`: record batches -> blocks.
- `flatbuffers`: what a message of Arrow says of its size. `arrow_stream`: an Arrow IPC stream, and
  `parquet_file`: a Parquet file -> blocks. `typed_writer`: columns -> either of them.
- `files`: a whole file of unknown dialect -> columns of text, for training.

The modules are imported by their own names: those of Arrow and Parquet, `reader` and `files` need
PyArrow, `writer` needs orjson, and a model loads without either.
"""
