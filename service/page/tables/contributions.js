// How far each feature moved a prediction, as bars to both sides of zero.

import { make } from "../dom.js";
import { amount, text } from "../texts.js";

const MOST_BARS = 12;

/**
 * Returns elements that show the contributions of a prediction, the largest first.
 *
 * @param {object} prediction As the service gives it in JSON, with its explanation.
 * @param {ServedModel} model
 * @param {function(string): string} valueOf Returns the value of a feature, as it is written.
 */
export function contributionElements(prediction, model, valueOf) {
  const pairs = Object.entries(prediction.explanation.contributions);
  pairs.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const largest = Math.abs(pairs[0][1]) || 1;
  const bars = pairs.map(([name, value]) => bar(name, valueOf(name), value, largest));
  if (pairs.every(([, value]) => value === 0)) return [make("p", { class: "soft" }, text("tables.all_usual"))];
  const shown = make("ol", { class: "bars" }, ...bars.slice(0, MOST_BARS));
  const about = make("p", { class: "soft small" }, meaning(prediction, model), " ", text("tables.usual"), " ", text("tables.no_sum"));
  return [shown, ...others(bars.slice(MOST_BARS)), about];
}

/** Says what a bar measures, which depends on what is predicted. */
function meaning(prediction, { unit, task }) {
  if (task === "regression") return unit ? text("tables.moves_unit", { unit }) : text("tables.moves");
  if (task === "anomaly detection") return text("tables.moves_score");
  const [label] = Object.keys(prediction.probabilities);
  return text("tables.moves_odds", { label });
}

function others(bars) {
  if (bars.length === 0) return [];
  const summary = make("summary", {}, text("tables.other_features", { count: bars.length }));
  return [make("details", {}, summary, make("ol", { class: "bars" }, ...bars))];
}

function bar(name, written, value, largest) {
  const fill = make("span", { class: value < 0 ? "fill less" : "fill more" });
  fill.style.width = `${(50 * Math.abs(value)) / largest}%`;
  const feature = make("span", { class: "feature" }, name, " ", make("span", { class: "soft" }, written));
  const axis = make("span", { class: "axis", "aria-hidden": "true" }, fill);
  return make("li", {}, feature, axis, make("span", { class: "number" }, signed(value)));
}

/** Writes a difference with its sign. */
function signed(value) {
  const written = amount(Math.abs(value));
  if (value === 0) return written;
  return value > 0 ? `+${written}` : `\u2212${written}`;
}
