// The scores of a version, and how those of two versions differ.

import { make } from "../dom.js";
import { signed, significant, text } from "../texts.js";
import { badge, card, groupedTable, table } from "./elements.js";

const ERROR = "_standard_error";
// Between the name of a score and the one label that it is of.
const OF_LABEL = " of ";
// A difference beyond so many of its standard errors is more than chance explains: 1 in 20 by chance.
const STANDARD_ERRORS = 2;

const NAMES = {
  accuracy: "models.accuracy",
  calibration_error: "models.calibration_error",
  log_loss: "models.log_loss",
  loss: "models.loss",
  rmse: "models.rmse",
  mae: "models.mae",
  r2: "models.r2",
  roc_auc: "models.roc_auc",
  pr_auc: "models.pr_auc",
  macro_f1: "models.macro_f1",
};
const PARTS = { validation: "models.validation", held_out: "models.held_out", test: "models.test" };

const LARGER_IS_BETTER = ["accuracy", "r2", "roc_auc", "pr_auc", "macro_f1", "f1"];
const SMALLER_IS_BETTER = ["calibration_error", "log_loss", "rmse", "mae", "mean_error"];

/** Names a score or a column of the history; names that this page does not know are shown as they are. */
export const measureName = (measure) =>
  NAMES[measure] ? text(NAMES[measure]) : measure.replaceAll("_", " ");

const partName = (part) => (PARTS[part] ? text(PARTS[part]) : part.replaceAll("_", " "));

/** Returns the names of the scores that any part has, without those of standard errors. */
function measuresOf(scores) {
  const names = new Set(Object.values(scores).flatMap((part) => Object.keys(part)));
  return [...names].filter((name) => !name.endsWith(ERROR));
}

/** Shows all scores of a version: those of all labels together, and those of each label. */
export function showScores({ scores }) {
  const measures = measuresOf(scores);
  if (measures.length === 0) return card(text("models.scores"), make("p", { class: "soft" }, text("models.no_scores")));
  const together = measures.filter((name) => !name.includes(OF_LABEL));
  const hasErrors = Object.values(scores).some((part) => Object.keys(part).some((name) => name.endsWith(ERROR)));
  return card(
    text("models.scores"),
    scoreTable(scores, together),
    hasErrors ? make("p", { class: "soft small" }, text("models.standard_error")) : undefined,
    labelScores(scores, measures),
  );
}

function scoreTable(scores, measures) {
  const parts = Object.keys(scores).reverse(); // the test, which chose nothing, is the last one
  const rows = measures.map((name) => [measureName(name), ...parts.map((part) => shownScore(scores[part], name))]);
  return table(text("models.scores"), [text("models.score"), ...parts.map(partName)], rows);
}

function labelScores(scores, measures) {
  const ofLabels = measures.filter((name) => name.includes(OF_LABEL));
  if (ofLabels.length === 0) return undefined;
  return make("details", {}, make("summary", {}, text("models.label_scores")), scoreTable(scores, ofLabels));
}

/** Shows a score, and its standard error where that is known; a narrow table has it in a line of its own. */
function shownScore(scores, name) {
  const value = scores[name];
  if (value === undefined) return "";
  const error = scores[name + ERROR];
  if (error === undefined) return significant(value, 5);
  const after = make("span", { class: "models-error" }, `± ${significant(error, 2)}`);
  return make("span", {}, `${significant(value, 5)} `, after);
}

/** Compares the scores of the parts that both versions have. */
export function compareScores(one, other) {
  const parts = Object.keys(one.description.scores).filter((part) => part in other.description.scores);
  const groups = parts.reverse().map((part) => [partName(part), comparedRows(part, one, other)]);
  if (groups.length === 0) return card(text("models.scores"), make("p", { class: "soft" }, text("models.no_scores")));
  const head = [text("models.score"), ...[one, other].map(({ version }) => versionName(version)), text("models.difference")];
  return card(
    text("models.scores"),
    otherData(one, other),
    groupedTable(text("models.scores"), head, groups),
    make("p", { class: "soft small" }, text("models.difference_about")),
  );
}

export const versionName = (version) => text("models.version", { version: String(version) });

function otherData(one, other) {
  const [first, second] = [one.description.data, other.description.data];
  if (first === second) return undefined;
  return make("p", { class: "notice warn" }, text("models.other_data", { first, second }));
}

function comparedRows(part, one, other) {
  const versions = [one.version, other.version];
  const scores = [one, other].map(({ description }) => description.scores[part]);
  return measuresOf(scores)
    .filter((name) => !name.includes(OF_LABEL) && scores.every((each) => name in each))
    .map((name) => [measureName(name), ...scores.map((each) => shownScore(each, name)), difference(name, versions, scores)]);
}

function difference(name, versions, scores) {
  const value = scores[1][name] - scores[0][name];
  return make("div", { class: "models-difference" }, make("span", {}, signed(value, { maximumSignificantDigits: 3 })), reading(name, versions, scores));
}

/** Says what a difference means: nothing, as long as the standard errors explain it. */
function reading(name, versions, [one, other]) {
  const value = other[name] - one[name];
  const errors = [one, other].map((scores) => scores[name + ERROR]);
  if (value === 0) return undefined;
  if (errors.includes(undefined)) return soft(text("models.unknown_error"));
  if (Math.abs(value) <= STANDARD_ERRORS * Math.hypot(...errors)) return soft(text("models.by_chance"));
  if (LARGER_IS_BETTER.includes(name)) return better(value > 0 ? versions[1] : versions[0]);
  if (SMALLER_IS_BETTER.includes(name)) return better(value < 0 ? versions[1] : versions[0]);
  return badge(text("models.beyond_chance"));
}

const soft = (words) => make("span", { class: "soft small" }, words);

const better = (version) => badge(text("models.better", { version: String(version) }), "good");
