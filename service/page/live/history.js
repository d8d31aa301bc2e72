// What counters have risen by, from one snapshot of the metrics to the next.

import { Window } from "./window.js";

/** What is kept, and what the charts show. */
export const KEPT_SECONDS = 300;

// Over a longer time, for example while the panel was hidden, a rise is no longer that of a moment.
export const LONGEST_SECONDS = 10;

export class History {
  #intervals = [];
  #counters = [];
  #time;

  /** What happened between the two last snapshots; it is empty where they do not follow each other. */
  get latest() {
    const last = this.#intervals.at(-1);
    return new Window(last?.to === this.#time ? [last] : []);
  }

  /** What happened in these last seconds, as far as it was looked at. */
  last(seconds) {
    return new Window(this.#intervals.filter(({ from }) => from >= this.#time - seconds));
  }

  /** Everything that is kept, one window for each time between two snapshots, the oldest first. */
  get windows() {
    return this.#intervals.map((interval) => new Window([interval]));
  }

  /** The moment of the last snapshot, in seconds since 1970. */
  get time() {
    return this.#time;
  }

  /**
   * Takes the counters of one snapshot.
   *
   * @param {number} time The moment, in seconds since 1970.
   * @param {object[]} counters Samples, as `parse` returns them.
   */
  add(time, counters) {
    const seconds = time - this.#time;
    if (seconds > 0 && seconds <= LONGEST_SECONDS) {
      const rises = risesOf(this.#counters, counters);
      this.#intervals.push({ from: this.#time, to: time, rises });
    }
    this.#intervals = this.#intervals.filter(({ to }) => to > time - KEPT_SECONDS);
    this.#counters = counters;
    this.#time = time;
  }
}

/**
 * Returns the counters that have risen, each with its rise as the value. Of a histogram that has
 * risen all buckets are there.
 *
 * As with `rate` of Prometheus, a counter that has fallen began again at 0, and has risen since by
 * all that it says. So has a counter that was not there: the service tells of a route or of a kind of
 * answer from the first one on. Only a version that was not there may come back with the numbers of
 * another time, and its first numbers count for nothing.
 */
export function risesOf(before, after) {
  const values = new Map(before.map(({ series, value }) => [series, value]));
  const versions = new Set(before.map(versionOf));
  const rises = after
    .filter((each) => !each.labels.version || versions.has(versionOf(each)))
    .map((counter) => ({ ...counter, value: rise(values.get(counter.series) ?? 0, counter.value) }));
  const risen = new Set(rises.filter(({ value }) => value > 0).map(instrumentOf));
  return rises.filter((each) => risen.has(instrumentOf(each)));
}

const rise = (before, after) => (after < before ? after : after - before);

const versionOf = ({ labels }) => JSON.stringify([labels.model, labels.version]);

const instrumentOf = ({ name, labels: { le, ...labels } }) => JSON.stringify([name, labels]);
