// What the answer for a picture says, in words, for models of every task.

import { credibilityShare } from "../credibility.js";
import { list, probability, significant, text, withUnit } from "../texts.js";

const MOST_LABELS = 6;

/** Says in short what is predicted. */
export function headline(picture, model) {
  const { value, anomaly_score: score } = picture.answer;
  if (picture.labels) return picture.labels.length > 0 ? list(picture.labels, MOST_LABELS) : text("pictures.no_label");
  if (score !== undefined) return text("pictures.score", { score: significant(score) });
  return withUnit(value, model.unit);
}

/** Says how probable the prediction is; undefined for a model that does not. */
export function share({ answer }) {
  return answer.probability === undefined ? undefined : probability(answer.probability);
}

/** Says what else is known, one text for each line. */
export function details(picture, model, coverage) {
  const { credibility } = picture.answer;
  const set = picture.setAt(coverage);
  const interval = picture.intervalAt(coverage);
  return [
    set && text("pictures.set", { labels: list(set, MOST_LABELS) }),
    interval && text("pictures.interval", ends(interval, model.unit)),
    credibility !== undefined && text("pictures.credibility", { credibility: credibilityShare(credibility) }),
  ].filter(Boolean);
}

const ends = ({ lower, upper }, unit) => ({ lower: withUnit(lower, unit), upper: withUnit(upper, unit) });
