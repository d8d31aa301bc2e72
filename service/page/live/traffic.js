// What a window of time says of requests and predictions.

import { DURATION, PREDICTION_DURATION, PREDICTIONS, REQUESTS } from "./snapshot.js";

/** Shares of the requests within whose time an answer is shown: the half, and nearly all of them. */
export const SHARES = [0.5, 0.95, 0.99];

const TESTS = {
  answered: (status) => status < 400,
  refused: (status) => status >= 400 && status < 500,
  failed: (status) => status >= 500,
};

export const KINDS = Object.keys(TESTS);

/** Counts requests: `all` of them, and those of each kind; of one route where it is named. */
export function requests(window, route) {
  const count = (test) =>
    window.total(REQUESTS, (labels) => test(Number(labels.status)) && isOf(labels, { route }));
  const counts = KINDS.map((kind) => [kind, count(TESTS[kind])]);
  return { all: count(() => true), ...Object.fromEntries(counts) };
}

/** Returns the routes that were asked, the one with the most requests first. */
export function routes(window) {
  return window.totalsBy("route", REQUESTS).map(([route]) => route);
}

/** Estimates the time within which this share of a route's requests was answered. */
export function timeOfRoute(window, share, route) {
  return window.quantile(share, DURATION, (labels) => isOf(labels, { route }));
}

/**
 * Estimates the time within which this share of the predictions was answered, in every language that
 * the service speaks. Requests that were refused count for nothing: most are refused in no time.
 *
 * @param {object} version `model` and `version`, where it is that of one version.
 */
export function timeOfPredictions(window, share, version = {}) {
  const test = (labels) => labels.result === "success" && isOf(labels, version);
  return window.quantile(share, PREDICTION_DURATION, test);
}

/** Counts predicted instances, of one version where it is named. */
export function instances(window, version = {}) {
  return window.total(PREDICTIONS, (labels) => isOf(labels, version));
}

/** Returns the labels that a version predicted, and how often, the most frequent first. */
export function labels(window, version) {
  return window.totalsBy("label", PREDICTIONS, (each) => isOf(each, version)).filter(([, count]) => count);
}

/** Whether labels have these values; undefined stands for every value. */
function isOf(labels, wanted) {
  return Object.entries(wanted).every(([name, value]) => value === undefined || labels[name] === value);
}
