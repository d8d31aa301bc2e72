// Numbers in the cells of a table.

/** Reads a number without a thousands mark; NaN where there is none. */
export const plainNumber = (cell) => (cell === "" ? NaN : Number(cell.replace(",", ".")));

/** Reads a number of a file, whose thousands may be grouped; NaN where there is none. */
export function groupedNumber(cell, decimal) {
  const groups = decimal === "," ? /[.'’\s]/g : /[,'’\s]/g;
  return plainNumber(cell.trim().replace(groups, ""));
}
