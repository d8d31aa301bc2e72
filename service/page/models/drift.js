// How far the instances that a version has predicted differ from those of its training.

import { button, make } from "../dom.js";
import { number, percent, signed, text } from "../texts.js";
import { badge, card } from "./elements.js";

const FEW = "too few";
const KINDS = { stable: "good", shifted: "warn", drifted: "bad" };
const VERDICTS = {
  stable: "models.stable",
  shifted: "models.shifted",
  drifted: "models.drifted",
  [FEW]: "models.too_few",
};
const LEAST_SHARE = 0.001;
const OTHER = "other";
const BLANK = "blank";

/** Asks for the drift of a version: its features with their verdicts and bins. */
export async function askDrift(service, model) {
  return (await service.json(`${model.path}/drift`)).features;
}

export const verdictBadge = (verdict) =>
  badge(VERDICTS[verdict] ? text(VERDICTS[verdict]) : verdict, KINDS[verdict]);

export async function showDrift({ service, model, again }) {
  const features = await askDrift(service, model);
  if (features.length === 0) return [make("p", { class: "notice" }, text("models.no_reference"))];
  return [
    card(
      text("models.drift"),
      make("p", {}, inWords(features)),
      make("p", { class: "soft small" }, text("models.drift_about")),
      make("div", { class: "models-features" }, ...features.map(showFeature)),
      make("p", { class: "buttons" }, button(text("models.count_again"), again, { class: "quiet", id: "models-again" })),
    ),
  ];
}

function inWords(features) {
  const instances = Math.max(...features.map((feature) => feature.instances));
  const known = features.filter(({ verdict }) => verdict !== FEW);
  if (known.length === 0) return text("models.drift_waits", { count: instances });
  const moved = known.filter(({ verdict }) => verdict !== "stable").length;
  return text("models.drift_counted", { count: instances, moved, all: features.length });
}

function showFeature(feature) {
  const summary = make(
    "summary",
    {},
    make("span", { class: "models-feature-name" }, feature.feature),
    verdictBadge(feature.verdict),
    make("span", { class: "soft small" }, figures(feature)),
  );
  const details = make("details", {}, summary);
  details.addEventListener("toggle", () => details.append(bins(feature)), { once: true });
  return details;
}

/** Chance alone moves the index of few instances: it is not shown. */
function figures({ verdict, population_stability_index: index, more_blanks: moreBlanks }) {
  if (verdict === FEW) return "";
  const shown = text("models.index", { index: number(index, 2) });
  if (moreBlanks === 0) return shown;
  const points = signed(moreBlanks, { style: "percent", maximumFractionDigits: 1 });
  return `${shown} · ${text("models.more_blanks", { points })}`;
}

/** Shows for each bin its share in training and among the received instances. */
function bins({ feature, bins: all }) {
  const longest = Math.max(...all.flatMap(({ expected, found }) => [expected, found]));
  const rows = all.map(({ bin, expected, found }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, binName(bin)),
      make("td", {}, bar(expected, longest, "expected")),
      make("td", {}, bar(found, longest, "found")),
    ),
  );
  const heads = [text("models.bin"), text("models.expected"), text("models.found")];
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": feature },
    make(
      "table",
      { class: "models-bins" },
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...rows),
    ),
  );
}

/** A bin begins with its index, so that bins can be sorted by name. */
function binName(bin) {
  if (bin === BLANK) return text("models.bin_blank");
  const name = bin.replace(/^\d+ /, "");
  if (name === OTHER) return text("models.bin_other");
  const [, from, to] = /^(\S+) to (\S+)$/.exec(name) ?? [];
  if (from !== undefined) return text("models.range", { from: edge(from), to: edge(to), unit: "" }).trim();
  return edgeName(name);
}

function edgeName(name) {
  const [, side, value] = /^(below|from) (\S+)$/.exec(name) ?? [];
  if (Number.isNaN(Number(value ?? "x"))) return name;
  return side === "below" ? text("models.below", { value: edge(value) }) : text("models.from", { value: edge(value) });
}

const edge = (value) => (Number.isNaN(Number(value)) ? value : number(Number(value), 6));

/** A share that is not 0 is not shown as if it were. */
const shareText = (share) => (share > 0 && share < LEAST_SHARE ? `< ${percent(LEAST_SHARE)}` : percent(share));

function bar(share, longest, kind) {
  const line = make("span", { class: `models-bar ${kind}` });
  line.style.width = `${longest > 0 ? (100 * share) / longest : 0}%`;
  return make("div", { class: "models-share" }, make("span", { class: "models-track" }, line), make("span", { class: "number" }, shareText(share)));
}
