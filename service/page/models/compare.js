// Two versions of a model side by side.

import { make } from "../dom.js";
import { text } from "../texts.js";
import { writeAddress } from "./address.js";
import { describePlots } from "./card.js";
import { compareCurves, HISTORY } from "./curves.js";
import { askDrift, verdictBadge } from "./drift.js";
import { card, table } from "./elements.js";
import { compareScores, versionName } from "./scores.js";

const FIRST_PLOTS = ["plots/confusion.png", "plots/reliability.png", "plots/residuals.png"];

export async function showComparison(context) {
  const { model, catalogue, address, newReport } = context;
  const chosen = otherVersion(model, address);
  if (chosen === undefined) return [make("p", { class: "notice" }, text("models.no_other"))];
  const other = await catalogue.describe(model.name, chosen);
  const sides = [
    { model, report: context.report },
    { model: other, report: await newReport(other) },
  ];
  return [
    menu(model, chosen),
    compareScores(model, other),
    ...(await Promise.all([compareCurves(sides), comparePlots(sides), compareDrift(context.service, sides)])).filter(Boolean),
  ];
}

/** Returns the version that the address asks for, or the one before; undefined where there is no other. */
export function otherVersion(model, address) {
  const others = othersOf(model);
  return address.other ?? others.filter((version) => version < model.version).at(-1) ?? others[0];
}

const othersOf = ({ version, description }) => description.versions.filter((each) => each !== version);

function menu(model, chosen) {
  const options = othersOf(model).map((version) =>
    make("option", { value: version, selected: version === chosen }, versionName(version)),
  );
  const select = make("select", { id: "models-other" }, ...options);
  select.addEventListener("change", () => {
    const { name, version } = model;
    location.hash = writeAddress({ name, version, view: "compare", other: Number(select.value) });
  });
  const label = make("label", { for: "models-other" }, text("models.compare_with"));
  return make("div", { class: "bar" }, make("div", { class: "field" }, label, select));
}

/** Shows the plots of both versions in pairs; the curves of training are in a chart of their own. */
async function comparePlots(sides) {
  const paths = [...new Set(sides.flatMap(({ report }) => report.plots))];
  const curves = await plotsOfCurves(sides);
  const pairs = paths.filter((path) => !curves.has(path)).sort((one, other) => rank(one) - rank(other));
  if (pairs.length === 0) return undefined;
  const descriptions = await Promise.all(sides.map(({ report }) => describePlots(report)));
  const shown = pairs.flatMap((path) => sides.map((side, index) => plot(side, path, descriptions[index].get(path))));
  return card(text("models.plots"), make("div", { class: "models-pairs" }, ...shown));
}

/** What says most about two versions stands first; the others keep their order. */
const rank = (path) => (FIRST_PLOTS.includes(path) ? FIRST_PLOTS.indexOf(path) : FIRST_PLOTS.length);

/** Returns the paths of plots that show columns of the history. */
async function plotsOfCurves(sides) {
  const histories = await Promise.all(sides.map(({ report }) => report.text(HISTORY)));
  const columns = histories.flatMap((csv) => (csv ?? "").split(/\r?\n/, 1)[0].split(","));
  return new Set(columns.map((column) => `plots/${column}.png`));
}

function plot({ model, report }, path, description = path) {
  const values = { description, version: String(model.version) };
  if (report.has(path)) return report.figure(path, text("models.plot_of", values));
  return make("p", { class: "soft" }, text("models.no_plot_of", values));
}

async function compareDrift(service, sides) {
  const [one, other] = await Promise.all(sides.map(({ model }) => askDrift(service, model)));
  const names = [...new Set([...one, ...other].map(({ feature }) => feature))];
  if (names.length === 0) return undefined;
  const rows = names.map((name) => [name, ...[one, other].map((features) => verdictOf(features, name))]);
  const versions = sides.map(({ model }) => versionName(model.version));
  return card(text("models.drift"), table(text("models.drift"), [text("models.feature"), ...versions], rows));
}

function verdictOf(features, name) {
  const found = features.find(({ feature }) => feature === name);
  return found ? verdictBadge(found.verdict) : "";
}
