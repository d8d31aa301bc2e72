// A small table of invented rows, made from what a model says of its columns.

import { record } from "../files/csv.js";
import { decimalText, gridOf, isoDate } from "./ranges.js";

const ROWS = 24;
const REACH = 0.25; // how far rows go from the median towards the ends of the training data

/** Returns a table in CSV, in the dialect of the model's training file. */
export function exampleTable({ columns, description: { dialect } }) {
  const { delimiter = ",", decimal = "." } = dialect ?? {};
  const rows = Array.from({ length: ROWS }, (_, row) =>
    columns.map((column, index) => exampleCell(column, wave(row, index), row + index, decimal)),
  );
  const lines = [columns.map(({ name }) => name), ...rows].map((cells) => record(cells, delimiter));
  return `${lines.join("\n")}\n`;
}

/** Returns a number from -1 to 1 that looks drawn, and is the same every time. */
const wave = (row, index) => Math.sin(1.7 * (row + 1) * (index + 1) + index);

function exampleCell(column, share, turn, decimal) {
  const { kind, minimum, maximum, median, vocabulary } = column;
  if (kind === "category") return vocabulary[turn % Math.max(1, vocabulary.length)] ?? "";
  if (kind === "number" && minimum === null) return decimalText(Math.round(100 * share) / 100).replace(".", decimal);
  if (median === null || minimum === null) return "";
  const value = median + REACH * share * (share < 0 ? median - minimum : maximum - median);
  if (kind === "date") return isoDate(Math.round(value));
  const { step } = gridOf(column);
  const within = Math.min(Math.max(step ? Math.round(value / step) * step : value, minimum), maximum);
  return decimalText(within).replace(".", decimal);
}
