// Parts that several views of this panel are made of.

import { make } from "../dom.js";

/** A part of a view with its own heading. */
export function card(title, ...children) {
  return make("section", { class: "card" }, make("h3", {}, title), ...children);
}

/** A table that scrolls within its place; rows are rows of cells, the first of which is a heading. */
export function table(label, head, rows) {
  return scrolling(label, head, [make("tbody", {}, ...rows.map(row))]);
}

/** A table whose rows stand in groups: [name of the group, rows]. */
export function groupedTable(label, head, groups) {
  const bodies = groups.map(([name, rows]) => {
    const title = make("th", { scope: "rowgroup", colspan: head.length, class: "soft" }, name);
    return make("tbody", {}, make("tr", {}, title), ...rows.map(row));
  });
  return scrolling(label, head, bodies);
}

function scrolling(label, head, bodies) {
  const heads = head.map((each, index) => headCell(each, index > 0));
  const inside = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), ...bodies);
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, inside);
}

function headCell(content, isNumber) {
  return make("th", { scope: "col", class: isNumber && "number" }, content);
}

function row([first, ...others]) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, first),
    ...others.map((each) => make("td", { class: "number" }, each ?? "")),
  );
}

/** A list of names and values; those without a value are left out. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  const items = known.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
  return make("dl", { class: "models-facts" }, ...items);
}

export const badge = (label, kind = "") => make("span", { class: `badge ${kind}` }, label);
