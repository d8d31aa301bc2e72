// The card of a version: what its publisher wrote about it, and the plots.

import { make } from "../dom.js";
import { text } from "../texts.js";
import { parse, pictures, render } from "./markdown.js";

export const CARD = "CARD.md";

/** Shows the card, and after it the plots that it does not show. */
export async function showCard({ model, report }) {
  const tokens = parsed(await report.text(CARD));
  const shown = make("div", { class: "card models-card" }, ...cardParts(tokens, model, report));
  const named = new Set([...pictures(tokens)].map(({ href }) => href));
  const others = report.plots.filter((path) => !named.has(path));
  return others.length > 0 ? [shown, otherPlots(others, report)] : [shown];
}

/** Returns what the card says about each plot, by path. */
export async function describePlots(report) {
  const tokens = parsed(await report.text(CARD));
  return new Map([...pictures(tokens)].map(({ href, text: alt }) => [href, alt]));
}

/** A text that is nested too deeply for the parser is shown as it is. */
function parsed(markdown = "") {
  try {
    return parse(markdown);
  } catch {
    return [{ type: "code", text: markdown }];
  }
}

function cardParts(tokens, model, report) {
  if (tokens.length === 0) return [make("p", { class: "soft" }, text("models.no_card"))];
  const [first, ...others] = tokens;
  const isTitle = first.type === "heading" && first.text === `${model.name}, version ${model.version}`;
  return besideEachOther(render(isTitle ? others : tokens, (path, alt) => picture(report, path, alt)));
}

/** Lets plots that follow each other stand beside each other, where there is room. */
function besideEachOther(elements) {
  const parts = [];
  for (const element of elements) {
    const isPlot = element instanceof Element && element.matches(".plot");
    if (isPlot && !parts.at(-1)?.matches?.(".models-pairs")) parts.push(make("div", { class: "models-pairs" }));
    if (isPlot) parts.at(-1).append(element);
    else parts.push(element);
  }
  return parts;
}

/** Shows a plot of the report; a picture from anywhere else is only named. */
function picture(report, path, alt) {
  if (report.plots.includes(path)) return report.figure(path, alt);
  return make("span", { class: "soft" }, text("models.no_picture", { alt: alt || path }));
}

function otherPlots(paths, report) {
  return make(
    "div",
    { class: "card" },
    make("h3", {}, text("models.other_plots")),
    make("div", { class: "models-pairs" }, ...paths.map((path) => report.figure(path, path))),
  );
}
