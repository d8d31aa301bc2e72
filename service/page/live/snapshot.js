// The metrics of the service at one moment: the numbers that this panel shows.

import { parse } from "./exposition.js";

/** Requests by route, method and status. */
export const REQUESTS = "vitrine_requests_total";
/** Histogram of the time that requests took, by route. */
export const DURATION = "vitrine_request_duration_seconds";
/** Histogram of the time that requests for predictions took, by version and result. */
export const PREDICTION_DURATION = "vitrine_version_request_duration_seconds";
/** Predicted instances by version and label. */
export const PREDICTIONS = "vitrine_predictions_total";

const SERVED = "vitrine_models";
const COUNTERS = new Set([REQUESTS, PREDICTIONS, `${DURATION}_bucket`, `${PREDICTION_DURATION}_bucket`]);
const GAUGES = new Set([
  "vitrine_computing_requests",
  "vitrine_waiting_requests",
  "vitrine_connections",
  "vitrine_max_connections",
  "vitrine_body_memory_bytes",
  SERVED,
]);

export class Snapshot {
  /**
   * @param {number} time The moment, in seconds since 1970.
   * @param {string} text An answer of `GET /metrics`.
   */
  constructor(time, text) {
    const samples = parse(text, new Set([...COUNTERS, ...GAUGES]));
    this.time = time;
    this.counters = samples.filter(({ name, labels }) => COUNTERS.has(name) && !isOfMetrics(labels));
    this.gauges = samples.filter(({ name }) => GAUGES.has(name));
  }

  /** Whether the text was one of this service; a proxy may have answered something else. */
  get isOfVitrine() {
    return this.gauges.length > 0;
  }

  /** Returns a gauge, such as "connections". */
  gauge(name) {
    return this.gauges.find((gauge) => gauge.name === `vitrine_${name}`)?.value;
  }

  /** The versions that all workers serve: `model` and `version` of each. */
  get versions() {
    return this.gauges
      .filter(({ name, value }) => name === SERVED && value === 1)
      .map(({ labels }) => labels);
  }
}

// This page itself sends one such request every other second.
const isOfMetrics = ({ route }) => route === "/metrics";
