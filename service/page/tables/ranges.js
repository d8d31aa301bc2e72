// The ranges of the training data, as sliders and fields take them.

import { niceStep } from "./histogram.js";

const STEPS = 200;
const LEAST_WHOLE_RANGE = 5;
const DAY_MILLISECONDS = 86_400_000;

/** Writes a number of float32 with the fewest digits that give it back. */
export function decimalText(value) {
  for (let digits = 1; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === Math.fround(value)) return String(Number(text));
  }
  return String(value);
}

/**
 * Returns the round numbers over the range of a column: {low, high, step}; no step where training
 * saw a single value.
 */
export function gridOf({ minimum, maximum }) {
  if (minimum === null || !(maximum > minimum)) return {};
  const range = maximum - minimum;
  const isWhole = Number.isInteger(minimum) && Number.isInteger(maximum) && range >= LEAST_WHOLE_RANGE;
  const step = Math.max(niceStep(range / STEPS), isWhole ? 1 : 0);
  return { low: Math.floor(minimum / step) * step, high: Math.ceil(maximum / step) * step, step };
}

/** Writes days since 1970 as a date of ISO 8601. */
export const isoDate = (days) => new Date(days * DAY_MILLISECONDS).toISOString().slice(0, 10);

/** Writes days since 1970 as a date and a time of ISO 8601, in UTC. */
export const isoMoment = (days) => new Date(days * DAY_MILLISECONDS).toISOString().slice(0, 16);
