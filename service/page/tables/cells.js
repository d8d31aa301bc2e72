// How the cells of a row look: those of the file, and what was predicted.

import { credibilityShare, isLow } from "../credibility.js";
import { make } from "../dom.js";
import { amount, probability, text } from "../texts.js";

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
 */
export function columnsOf({ names, own, ignored }, model) {
  const draw = ({ row }) => cell(amount(row + 1), "number soft");
  return [
    { key: "row", title: text("tables.row"), width: "5.5rem", isNumber: true, draw },
    ...own.flatMap((name, index) => predictedColumn(name, model, index === 0)),
    ...names.map((name, index) => fileColumn(name, index, ignored)),
  ];
}

function predictedColumn(name, model, isFirst) {
  if (name === "upper" || name === "error") return [];
  if (name === "lower") return [{ key: name, title: text("tables.interval"), width: "17rem", draw: drawInterval }];
  const [width, draw] = drawing(name);
  const isNumber = !["label", "labels", "set", "warnings"].includes(name);
  const unit = name === "prediction" && model.unit ? ` (${model.unit})` : "";
  return [{ key: name, title: title(name) + unit, width, isNumber, draw: isFirst ? withFault(draw) : draw }];
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
  if (name.startsWith("probability")) {
    return [name === "probability" ? "8rem" : "11rem", ({ predicted }) => numberCell(predicted[name], probability)];
  }
  if (name === "credibility") return ["7rem", drawCredibility];
  return ["10.5rem", ({ predicted }) => numberCell(predicted[name], amount, "strong")];
}

const numberCell = (value, write, kind = "") => cell(Number.isNaN(value) ? "" : write(value), `number ${kind}`);

/** Says in the first column of a row without a prediction that it has a fault. */
function withFault(draw) {
  return (row) => (row.predicted.error ? marked(cell("", "fault"), text("tables.fault")) : draw(row));
}

function drawCredibility({ predicted: { credibility } }) {
  return numberCell(credibility, credibilityShare, isLow(credibility) ? "doubt" : "");
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

function cell(content, kind) {
  return make("div", { role: "gridcell", class: kind || undefined, title: content || undefined }, content);
}

function drawInterval({ predicted: { prediction, lower, upper } }) {
  if (Number.isNaN(lower)) return cell("");
  const element = cell("", "interval");
  const ends = make("span", { class: "ends" }, `${amount(lower)} – ${amount(upper)}`);
  element.append(rangeBar(prediction, lower, upper), ends);
  return element;
}

/** Draws an interval and the prediction in it, between the ends that `setSpan` gives to what holds it. */
export function rangeBar(value, lower, upper) {
  const bar = make("span", { class: "range", "aria-hidden": "true" }, make("span", { class: "within" }), make("span", { class: "tick" }));
  setNumbers(bar, { value, lower, upper });
  return bar;
}

/** Sets the ends between which the intervals in an element are drawn. */
export function setSpan(element, [low, high]) {
  setNumbers(element, { low, extent: high - low || 1 });
}

function setNumbers({ style }, numbers) {
  for (const [name, number] of Object.entries(numbers)) style.setProperty(`--${name}`, number);
}
