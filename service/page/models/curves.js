// The training curves: what history.csv says about each epoch, as charts and as a table.

import { Chart } from "../charts/chart.js";
import { make } from "../dom.js";
import { significant, text } from "../texts.js";
import { card, table } from "./elements.js";
import { measureName } from "./scores.js";

export const HISTORY = "history.csv";
const EPOCH = "epoch";
const VALIDATION = "val_";

/**
 * Reads a history: the first line names the columns, and all values are numbers.
 *
 * @returns {Map<string, (number|null)[]>} The values of each column; null where there is none.
 */
function readHistory(csv) {
  const [names, ...rows] = csv.trim().split(/\r?\n/).map((line) => line.split(","));
  return new Map(names.map((name, index) => [name, rows.map((row) => value(row[index]))]));
}

function value(cell = "") {
  const number = Number(cell);
  return cell.trim() === "" || !Number.isFinite(number) ? null : number;
}

/** Shows the curves of a version; undefined where its report has no history. */
export async function showCurves({ model, report }) {
  const csv = await report.text(HISTORY);
  if (csv === undefined) return undefined;
  const history = readHistory(csv);
  const charts = measuresOf([history]).map((measure) => chart(measure, [{ version: model.version, history }]));
  return card(text("models.curves"), make("div", { class: "columns" }, ...charts), numbers(history));
}

/** Shows the curves of two versions in the same charts; undefined where neither has a history. */
export async function compareCurves(sides) {
  const read = await Promise.all(sides.map(async ({ model, report }) => [model.version, await report.text(HISTORY)]));
  const known = read
    .filter(([, csv]) => csv !== undefined)
    .map(([version, csv]) => ({ version, history: readHistory(csv) }));
  if (known.length === 0) return undefined;
  const charts = measuresOf(known.map(({ history }) => history)).map((measure) => chart(measure, known));
  return card(text("models.curves"), make("div", { class: "columns" }, ...charts));
}

/** Returns what was measured, once for training and validation. */
function measuresOf(histories) {
  const names = histories.flatMap((history) => [...history.keys()]);
  return [...new Set(names.map(withoutPart))].filter((name) => name !== EPOCH);
}

const withoutPart = (name) => (name.startsWith(VALIDATION) ? name.slice(VALIDATION.length) : name);

/** Draws one measure; of two versions, each has a colour, and its curve of training is dashed. */
function chart(measure, versions) {
  const isMany = versions.length > 1;
  const curves = versions.flatMap(({ version, history }, index) => [
    curve(history, measure, { version, isMany, colour: isMany ? index + 1 : 2, dashed: isMany }),
    curve(history, VALIDATION + measure, { version, isMany, colour: index + 1 }),
  ]);
  const shown = curves.filter(({ values }) => values?.some((each) => each !== null));
  const place = make("div");
  const label = text("models.curve_label", { measure: measureName(measure), values: shown.map(inWords).join("; ") });
  const length = Math.max(...shown.map(({ values }) => values.length), 0);
  const epochs = Array.from({ length }, (_, index) => index + 1);
  new Chart(place, { label, series: shown, x: { label: text("models.epoch") } }).set([
    epochs,
    ...shown.map(({ values }) => epochs.map((epoch) => values[epoch - 1] ?? null)),
  ]);
  return make("div", {}, make("h4", {}, measureName(measure)), place);
}

function curve(history, column, { version, isMany, colour, dashed }) {
  const part = column.startsWith(VALIDATION) ? text("models.validation") : text("models.training");
  const label = isMany ? text("models.curve_of", { part, version: String(version) }) : part;
  return { label, colour, dashed, values: history.get(column) };
}

function inWords({ label, values }) {
  const known = values.filter((each) => each !== null);
  return text("models.curve_in_words", { label, first: significant(known[0]), last: significant(known.at(-1)) });
}

function numbers(history) {
  const names = [...history.keys()];
  const rows = history.get(names[0]).map((_, index) => names.map((name) => numberText(history.get(name)[index])));
  return make(
    "details",
    {},
    make("summary", {}, text("models.curve_numbers")),
    table(text("models.curves"), names.map(columnName), rows),
  );
}

const numberText = (value) => (value === null ? "" : significant(value, 5));

function columnName(name) {
  if (name === EPOCH) return text("models.epoch");
  const part = name.startsWith(VALIDATION) ? text("models.validation") : text("models.training");
  return text("models.score_of_part", { score: measureName(withoutPart(name)), part });
}
