// The answers as a CSV file, for programs and spreadsheets.

import { record } from "../files/csv.js";

/**
 * Writes rows as CSV (RFC 4180), with the mark by which spreadsheets know UTF-8.
 *
 * @param {(string|number|undefined)[][]} rows The header is the first.
 */
const csv = (rows) => `\ufeff${rows.map((row) => `${record(row.map(cell), ",")}\r\n`).join("")}`;

function cell(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "number" ? String(value) : value.replace(DANGEROUS, "'$&");
}

// A spreadsheet takes a text that begins so for a formula, and a formula may run programs or send what
// the sheet holds. After an apostrophe it is a text. The list of characters and the apostrophe are
// those of OWASP: https://owasp.org/www-community/attacks/CSV_Injection
const DANGEROUS = /^[=+\-@\t\r\n]/;

/**
 * Lists the columns for a model, named as in the service's own CSV: the name of each, and what reads
 * its value from a picture.
 *
 * @param {ServedModel} model
 * @param {number|undefined} coverage Coverage of sets and intervals.
 */
function columns(model, coverage) {
  return [
    ["name", (picture) => picture.name],
    ...answerColumns(model, coverage).map(([name, read]) => [name, (picture) => picture.answer && read(picture)]),
    ["error", (picture) => picture.error],
  ];
}

function answerColumns(model, coverage) {
  const credibility = ["credibility", ({ answer }) => answer.credibility];
  switch (model.task) {
    case "multi-label classification":
      return [
        ["labels", ({ answer }) => answer.labels.join("|")],
        ...model.labels.map((label) => [`probability_${label}`, ({ answer }) => answer.probabilities[label]]),
      ];
    case "anomaly detection":
      return [["anomaly_score", ({ answer }) => answer.anomaly_score], credibility];
    case "regression":
      return [
        ["prediction", ({ answer }) => answer.value],
        ["lower", (picture) => picture.intervalAt(coverage)?.lower],
        ["upper", (picture) => picture.intervalAt(coverage)?.upper],
      ];
    default:
      return [
        ["label", ({ answer }) => answer.label],
        ["probability", ({ answer }) => answer.probability],
        ["set", (picture) => picture.setAt(coverage)?.join("|")],
        credibility,
      ];
  }
}

/** Returns the file of the answers for some pictures. */
export function answersAsCsv(pictures, model, coverage) {
  const all = columns(model, coverage);
  const rows = pictures.map((picture) => all.map(([, read]) => read(picture)));
  return new Blob([csv([all.map(([name]) => name), ...rows])], { type: "text/csv" });
}
