// Records of CSV (RFC 4180): a field that holds a quote, a delimiter or an end of a line is quoted.

/** Returns the fields of one record. */
export function fields(record, delimiter) {
  if (!record.includes('"')) return record.split(delimiter);
  const found = [];
  for (let at = 0; at <= record.length; ) {
    const end = record[at] === '"' ? afterQuotes(record, at) : after(record, delimiter, at);
    found.push(unquoted(record.slice(at, end)));
    at = end + delimiter.length;
  }
  return found;
}

function after(record, delimiter, start) {
  const end = record.indexOf(delimiter, start);
  return end < 0 ? record.length : end;
}

/** Returns where a quoted field ends; a quote within it is written twice. */
function afterQuotes(record, start) {
  for (let at = start + 1; ; at += 2) {
    at = record.indexOf('"', at);
    if (at < 0) return record.length;
    if (record[at + 1] !== '"') return at + 1;
  }
}

const unquoted = (field) => (field[0] === '"' ? field.slice(1, -1).replaceAll('""', '"') : field);

/** Writes one record, without the end of its line. */
export function record(cells, delimiter) {
  return cells.map((cell) => quoted(String(cell), delimiter)).join(delimiter);
}

const quoted = (cell, delimiter) =>
  cell.includes(delimiter) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
