// The charts of the last five minutes.

import { Chart } from "../charts/chart.js";
import { byId } from "../dom.js";
import { text } from "../texts.js";
import { KEPT_SECONDS, LONGEST_SECONDS } from "./history.js";
import { KINDS, SHARES, requests, timeOfPredictions } from "./traffic.js";
import { duration } from "./units.js";

// A chart is as long as the time that was looked at, and at least this long.
const LEAST_SECONDS = 60;
const HEIGHT = 180;

const COLOURS = { answered: 1, refused: 2, failed: 5 };

export class Charts {
  #requests;
  #times;
  #load;
  #loads = [];

  constructor() {
    this.#requests = chart("requests", text("live.chart_requests"), [
      { label: text("live.kind_answered"), colour: COLOURS.answered },
      { label: text("live.kind_refused"), colour: COLOURS.refused },
      { label: text("live.kind_failed"), colour: COLOURS.failed },
    ]);
    const shares = [text("live.share_50"), text("live.share_95"), text("live.share_99")];
    // Where predictions are rare, one stands alone, and a line would not show it.
    const series = shares.map((label) => ({ label, points: true }));
    this.#times = chart("times", text("live.chart_times"), series, duration);
    const loads = [{ label: text("live.computing") }, { label: text("live.waiting") }];
    this.#load = chart("load", text("live.chart_load"), loads);
  }

  /** Shows what is known after one more snapshot. */
  add(snapshot, history) {
    const { windows } = history;
    this.#loads.push([snapshot.time, snapshot.gauge("computing_requests"), snapshot.gauge("waiting_requests")]);
    this.#loads = this.#loads.filter(([time]) => time > snapshot.time - KEPT_SECONDS);
    this.#requests.set(columns(snapshot.time, windows.map(rates), KINDS.length));
    this.#times.set(columns(snapshot.time, windows.map(times), SHARES.length));
    this.#load.set(columns(snapshot.time, this.#loads, 2));
  }
}

function chart(name, label, series, format) {
  const axes = { x: { label: text("live.time") }, y: { min: 0, format } };
  return new Chart(byId(`live-chart-${name}`), { label, series, time: true, height: HEIGHT, ...axes });
}

function rates(window) {
  const counts = requests(window);
  return [window.end, ...KINDS.map((kind) => window.perSecond(counts[kind]))];
}

function times(window) {
  return [window.end, ...SHARES.map((share) => timeOfPredictions(window, share)?.value ?? null)];
}

/** Turns rows into what a chart takes: at least a minute, with gaps where nobody looked. */
function columns(time, rows, series) {
  const empty = (moment) => [moment, ...Array(series).fill(null)];
  const looked = time - (rows[0]?.[0] ?? time);
  const shown = [empty(time - Math.max(looked + 1, LEAST_SECONDS))];
  for (const row of rows) {
    const before = shown.at(-1)[0];
    if (row[0] - before > LONGEST_SECONDS) shown.push(empty((before + row[0]) / 2));
    shown.push(row);
  }
  if (rows.length === 0) shown.push(empty(time)); // an axis of time has two ends
  return shown[0].map((_, column) => shown.map((row) => row[column]));
}
