// A part of the time that was looked at: how much happened in it, and how long it took.

import { quantile } from "./quantile.js";

export class Window {
  #rises;

  /** @param {object[]} intervals Each with `from`, `to` and the `rises` of counters. */
  constructor(intervals) {
    this.#rises = intervals.flatMap(({ rises }) => rises);
    this.seconds = intervals.reduce((sum, { from, to }) => sum + to - from, 0);
    this.end = intervals.at(-1)?.to;
  }

  /** Returns how much the counters of a name have risen, those whose labels pass a test. */
  total(name, test = () => true) {
    return this.#of(name, test).reduce((sum, { value }) => sum + value, 0);
  }

  /** Returns a number as one for each second; undefined where no time has passed. */
  perSecond(count) {
    return this.seconds > 0 ? count / this.seconds : undefined;
  }

  /** Returns the totals of a name by one of its labels, the largest first. */
  totalsBy(label, name, test = () => true) {
    const totals = new Map();
    for (const { labels, value } of this.#of(name, test)) {
      totals.set(labels[label], (totals.get(labels[label]) ?? 0) + value);
    }
    return [...totals].sort(([, left], [, right]) => right - left);
  }

  /** Estimates a quantile of a histogram, as `quantile` does. */
  quantile(share, name, test) {
    const buckets = this.totalsBy("le", `${name}_bucket`, test);
    return quantile(
      share,
      buckets.map(([bound, count]) => [bound === "+Inf" ? Infinity : Number(bound), count]),
    );
  }

  #of(name, test) {
    return this.#rises.filter((each) => each.name === name && test(each.labels));
  }
}
