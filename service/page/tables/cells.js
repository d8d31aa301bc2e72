// How the cells of a row look: those of the file, and what was predicted.

import { make } from "../dom.js";
import { probability, significant, text } from "../texts.js";
import { amount } from "./amounts.js";

const LEAST_CREDIBLE = 0.05;
const TITLES = {
  prediction: "tables.prediction",
  label: "tables.label",
  probability: "tables.probability",
  set: "tables.set",
  credibility: "tables.credibility",
  labels: "tables.labels",
  anomaly_score: "tables.anomaly_score",
  warnings: "tables.warnings",
};

/**
 * Returns the columns of the table: first what was predicted, then what the file holds.
 *
 * @param {object} answer `names` and `own` columns, and `ignored` ones.
 * @param {ServedModel} model
 * @param {function(): number[]} span Returns the ends between which intervals are drawn.
 */
export function columnsOf({ names, own, ignored }, model, span) {
  const number = { key: undefined, title: text("tables.row"), width: "4.5rem", isNumber: true, draw: ({ row }) => cell(amount(row + 1), "number soft") };
  return [number, ...own.flatMap((name) => predictedColumn(name, own, model, span)), ...names.map((name, index) => fileColumn(name, index, ignored))];
}

function predictedColumn(name, own, model, span) {
  if (name === "upper" || name === "error") return [];
  if (name === "lower") return [intervalColumn(span)];
  const [width, draw] = drawing(name);
  const isNumber = !["label", "labels", "set", "warnings"].includes(name);
  const unit = name === "prediction" && model.unit ? ` (${model.unit})` : "";
  return [{ key: name, title: title(name) + unit, width, isNumber, draw }];
}

function title(name) {
  if (name.startsWith("probability_")) return text("tables.probability_of", { label: name.slice("probability_".length) });
  return text(TITLES[name]);
}

function drawing(name) {
  if (name === "warnings") return ["14rem", drawWarnings];
  if (["label", "labels", "set"].includes(name)) {
    return ["10rem", ({ predicted }) => cell(predicted[name].replaceAll("|", ", "), name === "set" ? "" : "strong")];
  }
  if (name.startsWith("probability")) return ["8rem", ({ predicted }) => numberCell(predicted[name], probability)];
  if (name === "credibility") return ["7rem", drawCredibility];
  return ["10.5rem", ({ predicted }) => numberCell(predicted[name], amount, "strong")];
}

const numberCell = (value, write, look = "") => cell(Number.isNaN(value) ? "" : write(value), `number ${look}`);

function drawCredibility({ predicted: { credibility } }) {
  return numberCell(credibility, significant, credibility < LEAST_CREDIBLE ? "doubt" : "");
}

function drawWarnings({ predicted: { warnings, error } }) {
  if (error) return marked(cell(error, "fault"), text("tables.fault"));
  return warnings ? marked(cell(warnings, "doubt"), text("tables.warning")) : cell("");
}

function fileColumn(name, index, ignored) {
  const isIgnored = ignored.includes(name);
  const draw = ({ cells, faults }) => {
    const fault = faults.find(({ column }) => column === index);
    if (fault) return faultyCell(cells[index], fault);
    return cell(cells[index] ?? "", isIgnored ? "soft" : "");
  };
  const width = `${Math.min(Math.max(name.length * 0.6 + 2, 6), 14)}rem`;
  return { key: index, title: name, width, draw };
}

function faultyCell(value, { detail }) {
  const element = marked(cell(value, "fault"), text("tables.fault"));
  element.title = detail;
  element.append(make("span", { class: "hidden-text" }, ` ${detail}`));
  return element;
}

/** Puts a sign before a cell, which colour alone does not say to everybody. */
function marked(element, meaning) {
  element.prepend(make("span", { class: "sign", role: "img", "aria-label": meaning }, "!"));
  return element;
}

function cell(content, look) {
  return make("div", { role: "gridcell", class: look || undefined, title: content || undefined }, content);
}

function intervalColumn(span) {
  const draw = ({ predicted: { prediction, lower, upper } }) => {
    if (Number.isNaN(lower)) return cell("");
    const element = cell("", "interval");
    element.append(rangeBar(prediction, lower, upper, span()), make("span", { class: "ends" }, `${amount(lower)} – ${amount(upper)}`));
    return element;
  };
  return { key: "lower", title: text("tables.interval"), width: "17rem", draw };
}

/** Draws an interval between two ends, and the prediction in it. */
export function rangeBar(value, lower, upper, [low, high]) {
  const share = (each) => `${(100 * (each - low)) / (high - low || 1)}%`;
  const bar = make("span", { class: "within" });
  const tick = make("span", { class: "tick" });
  bar.style.left = share(lower);
  bar.style.right = `calc(100% - ${share(upper)})`;
  tick.style.left = share(value);
  return make("span", { class: "range", "aria-hidden": "true" }, bar, tick);
}
