// Quantiles of histograms.

/**
 * Estimates a quantile, as `histogram_quantile` of Prometheus does.
 *
 * Inside of a bucket the values are taken to be spread evenly. Nothing is known of the values above the
 * highest finite bound: there the estimate is that bound.
 *
 * @param {number} share From 0 to 1: 0.5 for the median.
 * @param {number[][]} buckets The upper bound of each, and the number of all values up to there.
 * @returns {object} `value`, and `isMore`, whether it is more than that; undefined where nothing was
 *     counted.
 */
export function quantile(share, buckets) {
  const sorted = buckets.toSorted(([left], [right]) => left - right);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  const rank = share * total;
  const index = sorted.findIndex(([, count]) => count >= rank);
  const [upper, count] = sorted[index];
  const [lower, below] = sorted[index - 1] ?? [0, 0];
  if (upper === Infinity) return { value: lower, isMore: true };
  return { value: lower + (upper - lower) * ((rank - below) / (count - below)), isMore: false };
}
