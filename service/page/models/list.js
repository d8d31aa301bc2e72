// The list of models, and the versions of the one that is chosen.

import { make } from "../dom.js";
import { percent, text } from "../texts.js";
import { VIEWS, writeAddress } from "./address.js";
import { badge } from "./elements.js";
import { versionName } from "./scores.js";
import { CANARY } from "./serving.js";

const TASKS = {
  classification: "models.classification",
  regression: "models.regression",
  "multi-label classification": "models.multi_label",
  "anomaly detection": "models.anomaly",
};

/** Names a task; one that this page does not know is shown as it is. */
export const taskName = (task) => (TASKS[task] ? text(TASKS[task]) : task);

/**
 * Lists the models.
 *
 * @param {object[]} models As `GET /models` lists them, with `serving` where it is known.
 * @param {string} chosen Name of the model that is shown.
 */
export function modelList(models, chosen) {
  return make("ul", {}, ...models.map((model) => make("li", {}, modelLink(model, model.name === chosen))));
}

function modelLink({ name, version, task, serving }, isChosen) {
  const labels = Object.entries(serving?.labels ?? {}).map(([label, of]) => badge(text("models.label_is", { label, version: String(of) })));
  return make(
    "a",
    { href: writeAddress({ name }), "aria-current": isChosen && "true" },
    make("strong", {}, name),
    make("span", { class: "soft small" }, `${taskName(task)} · ${versionName(version)}`),
    labels.length > 0 ? make("span", { class: "models-badges" }, ...labels) : undefined,
  );
}

/** Lists the versions of a model with what each of them is for. */
export function versionList({ name, description }, address, shown) {
  const links = description.versions.map((version) => {
    const href = writeAddress({ name, version, view: address.view === "compare" ? undefined : address.view });
    const current = { href, "aria-current": version === shown && "true" };
    return make("li", {}, make("a", current, versionName(version), ...roles(description.serving, version)));
  });
  return make("nav", { class: "models-versions", "aria-label": text("models.versions") }, make("ul", {}, ...links));
}

function roles({ default: answering, labels, by_number: byNumber, shadow, canary_share: share }, version) {
  const ofVersion = Object.keys(labels).filter((label) => labels[label] === version);
  return [
    version === answering ? badge(text("models.is_default"), "good") : undefined,
    ...ofVersion.map((label) => badge(label === CANARY ? `${label} ${percent(share)}` : label)),
    version === shadow ? badge(text("models.is_shadow")) : undefined,
    byNumber.includes(version) ? badge(text("models.is_by_number"), "warn") : undefined,
  ].filter(Boolean);
}

/** Says which versions cannot be served, and why. */
export function refusals({ refused }) {
  return Object.entries(refused).map(([version, reason]) =>
    make("p", { class: "notice warn" }, text("models.refused", { version, reason })),
  );
}

/** Links to the views of a version. */
export function viewLinks({ name, version, description }, view) {
  const views = VIEWS.filter((each) => each !== "compare" || description.versions.length > 1);
  const links = views.map((each) => {
    const current = { href: writeAddress({ name, version, view: each }), "aria-current": each === view && "true" };
    return make("li", {}, make("a", current, text(`models.view_${each}`)));
  });
  return make("nav", { class: "models-views", "aria-label": text("models.views") }, make("ul", {}, ...links));
}
