// What a prediction says, for models of every task that take a picture.

import { isLow } from "../credibility.js";
import { list, percent, probability, significant, text, withUnit } from "../texts.js";

const UNUSUAL = 0.2;
const MOST_LABELS = 6;

/**
 * @param {ServedModel} model The model that predicted.
 * @param {object} prediction Its prediction of one picture.
 * @returns {object} `caption` names what `label` is, and `about` says more of it; `probabilities` is
 *     an object, and `marked` the labels of it that belong to the answer; `set` names those of a
 *     prediction set; `credibility` is a number. What the model does not say is undefined.
 */
export function read(model, prediction) {
  const reader = READERS[model.task] ?? readValue;
  const { credibility } = prediction;
  const isStrange = isLow(credibility);
  return { ...reader({ ...prediction, isStrange }, model), credibility, isStrange };
}

/** Names a credibility in a few words. */
export function credibilityName(credibility) {
  if (isLow(credibility)) return text("draw.credibility_strange");
  return text(credibility < UNUSUAL ? "draw.credibility_unusual" : "draw.credibility_usual");
}

const READERS = {
  classification: ({ label, probability: value, probabilities, set, isStrange }) => ({
    caption: text(isStrange ? "draw.nearest" : "draw.prediction"),
    label,
    about: text("draw.with_probability", { probability: probability(value) }),
    probabilities,
    marked: set ?? [label],
    set: set && list(set, MOST_LABELS),
  }),
  "multi-label classification": ({ labels, probabilities }) => ({
    caption: text("draw.labels"),
    label: labels.length > 0 ? list(labels, MOST_LABELS) : text("draw.no_label"),
    about: text("draw.labels_about", { least: percent(0.5) }),
    probabilities,
    marked: labels,
  }),
  "anomaly detection": ({ anomaly_score: score }) => ({
    caption: text("draw.anomaly"),
    label: significant(score),
    about: text("draw.anomaly_about"),
  }),
};

function readValue({ value, interval }, { unit }) {
  return {
    caption: text("draw.prediction"),
    label: withUnit(value, unit),
    about: interval
      ? text("draw.interval", { lower: withUnit(interval.lower, unit), upper: withUnit(interval.upper, unit) })
      : "",
  };
}
