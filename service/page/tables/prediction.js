// One prediction, as large as it deserves: value, label or score, and how far to trust it.

import { credibilityShare, isLow } from "../credibility.js";
import { make } from "../dom.js";
import { labelBars } from "../label-bars.js";
import { list, percent, probability, significant, text, withUnit } from "../texts.js";
import { rangeBar, setSpan } from "./cells.js";

const MOST_LABELS = 6;

/** Returns elements that show a prediction, as the service gives it in JSON. */
export function predictionElements(prediction, unit) {
  return [headline(prediction, unit), ...doubts(prediction), ...trust(prediction, unit)];
}

/** Says a prediction in one sentence, for a screen reader. */
export function predictionSentence(prediction, unit) {
  const { interval, warnings = [] } = prediction;
  const between = interval ? [intervalText(interval, unit)] : [];
  return [mainText(prediction, unit), ...between, ...warnings].join(" ");
}

function mainText({ value, label, probability: share, labels, anomaly_score: score }, unit) {
  if (value !== undefined) return withUnit(value, unit);
  if (score !== undefined) return significant(score);
  if (labels) return labels.length > 0 ? list(labels, MOST_LABELS) : text("tables.no_label");
  return text("tables.label_with", { label, probability: probability(share) });
}

function headline(prediction, unit) {
  return make("p", { class: "headline" }, mainText(prediction, unit));
}

const intervalText = ({ lower, upper, coverage }, unit) =>
  text("tables.between", { coverage: percent(coverage), lower: withUnit(lower, unit), upper: withUnit(upper, unit) });

function doubts({ warnings = [] }) {
  return warnings.map((warning) => make("p", { class: "notice warn" }, warning));
}

function trust(prediction, unit) {
  const { value, interval, probabilities, set, credibility, anomaly_score: score } = prediction;
  const parts = [];
  if (score !== undefined) parts.push(make("p", { class: "soft" }, text("tables.score_about")));
  if (interval) parts.push(bar(value, interval), make("p", {}, intervalText(interval, unit)));
  if (probabilities) parts.push(bars(prediction));
  if (set) parts.push(make("p", {}, text("tables.set_is", { labels: list(set, MOST_LABELS) })));
  if (credibility !== undefined) parts.push(credibilityLine(credibility));
  return parts;
}

function bar(value, { lower, upper }) {
  const margin = (upper - lower) / 10 || 1;
  const element = rangeBar(value, lower, upper);
  setSpan(element, [lower - margin, upper + margin]);
  return element;
}

function credibilityLine(credibility) {
  const isDoubtful = isLow(credibility);
  const name = isDoubtful ? "tables.credibility_low" : "tables.credibility_is";
  return make("p", { class: isDoubtful ? "notice warn" : "soft" }, text(name, { credibility: credibilityShare(credibility) }));
}

function bars({ probabilities, set, labels, label }) {
  const marked = set ?? labels ?? [label];
  const shown = Object.entries(probabilities).slice(0, MOST_LABELS);
  return labelBars(shown.map(([name, share]) => [name, share, probability(share), marked.includes(name)]));
}
