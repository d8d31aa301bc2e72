// How often values and labels were predicted.

const MOST_BINS = 24;
const NICE_STEPS = [1, 2, 2.5, 5, 10];

/**
 * Counts values in bins of one width, whose edges are round numbers.
 *
 * @param {Float32Array} values NaN where there is none.
 * @returns {{start: number, step: number, counts: number[]} | undefined} Nothing without values.
 */
export function histogram(values) {
  const [low, high] = extent(values);
  if (low > high) return undefined;
  const step = niceStep((high - low) / MOST_BINS || Math.abs(low) / MOST_BINS || 1);
  const first = Math.floor(low / step);
  const counts = new Array(Math.floor(high / step) - first + 1).fill(0);
  for (const value of values) {
    if (!Number.isNaN(value)) counts[Math.floor(value / step) - first] += 1;
  }
  return { start: first * step, step, counts };
}

/** Returns the smallest round number that is at least as large. */
export function niceStep(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * NICE_STEPS.find((nice) => nice * power >= step * (1 - 1e-9));
}

/** Returns the least and the largest value; [Infinity, -Infinity] where there are none. */
export function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
