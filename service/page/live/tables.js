// The tables of the last minute.

import { byId, make } from "../dom.js";
import { number, percent, text } from "../texts.js";
import { instances, labels, requests, routes, timeOfPredictions, timeOfRoute } from "./traffic.js";
import { NOTHING, estimate, rate } from "./units.js";

const SHOWN_LABELS = 4;

/** Shows the routes that were asked, and the versions that are served or were until a moment ago. */
export function showTables(snapshot, minute) {
  const rows = routes(minute).map((route) => routeRow(minute, route));
  byId("live-no-routes").hidden = rows.length > 0;
  byId("live-routes").hidden = rows.length === 0;
  fill("live-routes", rows);
  fill("live-versions", snapshot.versions.map((version) => versionRow(minute, version)));
}

function fill(id, rows) {
  byId(id).tBodies[0].replaceChildren(...rows);
}

function routeRow(window, route) {
  const counts = requests(window, route);
  return row(route === "unmatched" ? text("live.unmatched") : make("code", {}, route), [
    cell(rate(window.perSecond(counts.all))),
    cell(estimate(timeOfRoute(window, 0.5, route))),
    cell(estimate(timeOfRoute(window, 0.99, route))),
    cell(number(counts.refused)),
    cell(number(counts.failed)),
  ]);
}

function versionRow(window, version) {
  const name = text("frame.version_of", { name: version.model, version: version.version });
  return row(name, [
    cell(rate(window.perSecond(instances(window, version)))),
    cell(estimate(timeOfPredictions(window, 0.5, version))),
    cell(estimate(timeOfPredictions(window, 0.99, version))),
    make("td", {}, shares(labels(window, version))),
  ]);
}

const row = (name, cells) => make("tr", {}, make("th", { scope: "row" }, name), ...cells);

const cell = (content) => make("td", { class: "number" }, content);

/** Writes the shares of the labels that were predicted most; a model of values has no labels. */
function shares(counts) {
  const whole = counts.reduce((sum, [, count]) => sum + count, 0);
  if (counts.every(([label]) => label === "")) return NOTHING;
  const shown = counts
    .slice(0, SHOWN_LABELS)
    .map(([label, count]) => `${label || text("live.no_label")} ${percent(count / whole, 0)}`);
  const others = counts.length - SHOWN_LABELS;
  return [...shown, ...(others > 0 ? [text("live.other_labels", { count: others })] : [])].join(" · ");
}
