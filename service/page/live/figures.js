// The figures at the top of the panel.

import { byId } from "../dom.js";
import { list, number, percent, text } from "../texts.js";
import { KINDS, SHARES, instances, requests, timeOfPredictions } from "./traffic.js";
import { NOTHING, duration, estimate, memory, rate } from "./units.js";

/**
 * Shows the figures.
 *
 * @param {Snapshot} snapshot What was read last.
 * @param {object} windows `now` is the time since the snapshot before it, `minute` is the last minute.
 */
export function showFigures(snapshot, windows) {
  showRequests(windows);
  showInstances(windows);
  showTimes(windows);
  showLoad(snapshot);
}

function showRequests({ now, minute }) {
  const [current, recent] = [requests(now), requests(minute)];
  set("requests", rate(now.perSecond(current.all)), inWindow(recent.all, minute));
  for (const kind of KINDS.slice(1)) {
    set(kind, share(current[kind], current.all), inWindow(recent[kind], minute));
  }
}

function showInstances({ now, minute }) {
  set("instances", rate(now.perSecond(instances(now))), inWindow(instances(minute), minute));
}

function showTimes(windows) {
  for (const [name, window] of Object.entries(windows)) {
    for (const each of SHARES) {
      byId(`live-${name}-${each * 100}`).textContent = estimate(timeOfPredictions(window, each));
    }
  }
}

function showLoad(snapshot) {
  const waiting = text("live.load_waiting", { count: snapshot.gauge("waiting_requests") });
  set("load", number(snapshot.gauge("computing_requests")), waiting);
  const maximum = text("live.connections_most", { count: snapshot.gauge("max_connections") });
  set("connections", number(snapshot.gauge("connections")), maximum);
  set("memory", memory(snapshot.gauge("body_memory_bytes")), "");
  const models = new Set(snapshot.versions.map(({ model }) => model));
  set("served", number(models.size), text("live.served_versions", { count: snapshot.versions.length }));
}

/** Says the figures in one sentence, for somebody who cannot look at them. */
export function sentence({ minute }) {
  const counts = requests(minute);
  const time = timeOfPredictions(minute, 0.5);
  const parts = [
    text("live.sentence_requests", { count: counts.all }),
    text("live.sentence_refused", { count: counts.refused }),
    text("live.sentence_failed", { count: counts.failed }),
    text("live.sentence_instances", { count: instances(minute) }),
  ];
  const words = text("live.sentence", { seconds: Math.round(minute.seconds), what: list(parts) });
  return time ? `${words} ${text("live.sentence_time", { time: estimate(time) })}` : words;
}

function set(name, figure, more) {
  byId(`live-${name}`).textContent = figure;
  byId(`live-${name}-more`).textContent = more;
}

const share = (part, whole) => (whole > 0 ? percent(part / whole) : NOTHING);

function inWindow(count, window) {
  if (window.seconds === 0) return "";
  return text("live.in_window", { number: count, seconds: duration(Math.round(window.seconds)) });
}
