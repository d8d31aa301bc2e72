// How a model is served, and the controls that change it.

import { button, make } from "../dom.js";
import { percent, text } from "../texts.js";
import { changeLine, changeRequest } from "./change.js";
import { card, facts } from "./elements.js";

const STABLE = "stable";
export const CANARY = "canary";
const LABEL = "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,63}";

/** Without keys, a page may change nothing: any page could. */
const hasKeys = () => JSON.parse(document.documentElement.dataset.needsKey);

export function showServing(context) {
  const { serving } = context.model.description;
  return [
    card(
      text("models.serving"),
      facts([
        [text("models.default"), String(serving.default ?? text("models.none"))],
        [text("models.policy"), policyText(serving.policy)],
        [text("models.version_labels"), labelList(context)],
        [text("models.canary_share"), CANARY in serving.labels ? percent(serving.canary_share) : undefined],
        [text("models.shadow"), serving.shadow === null ? undefined : String(serving.shadow)],
        [text("models.by_number"), serving.by_number.join(", ")],
      ]),
    ),
    hasKeys() ? changes(context) : explanation(context),
  ];
}

function policyText(policy) {
  const latest = /^latest:(\d+)$/.exec(policy);
  if (latest) return text("models.policy_latest", { count: Number(latest[1]) });
  return policy === "all" ? text("models.policy_all") : policy.replaceAll(",", ", ");
}

function labelList(context) {
  const labels = Object.entries(context.model.description.serving.labels);
  if (labels.length === 0) return text("models.none");
  return make("ul", { class: "models-labels" }, ...labels.map(([label, version]) => labelItem(context, label, version)));
}

function labelItem(context, label, version) {
  const remove = () => context.change(removeText(label), changeRequest(context.model.name, { patch: removal(label) }));
  const attributes = { class: "plain", "aria-label": text("models.remove_label", { label }) };
  return make(
    "li",
    {},
    text("models.label_is", { label, version: String(version) }),
    " ",
    hasKeys() ? button(text("models.remove"), remove, attributes) : undefined,
  );
}

/** A canary's share cannot stay without it. */
function removal(label) {
  const patch = { labels: { [label]: null } };
  return label === CANARY ? { ...patch, canary_share: null } : patch;
}

function removeText(label) {
  return label === STABLE ? text("models.remove_stable_text") : text("models.remove_text", { label });
}

function explanation({ service, model }) {
  const patch = { labels: { [STABLE]: model.version } };
  return card(
    text("models.change"),
    make("p", {}, text("models.no_keys")),
    make("pre", { class: "models-line", tabindex: "0" }, make("code", {}, changeLine(service, changeRequest(model.name, { patch })))),
  );
}

function changes(context) {
  const { serving } = context.model.description;
  return card(
    text("models.change"),
    moveForm(context),
    CANARY in serving.labels ? shareForm(context) : undefined,
    make("p", { class: "buttons" }, rollbackButton(context), loadButton(context)),
  );
}

function moveForm(context) {
  const { name, version, description } = context.model;
  const known = [...new Set([STABLE, CANARY, ...Object.keys(description.serving.labels)])];
  const label = make("input", { id: "models-label", list: "models-known-labels", required: true, pattern: LABEL, autocomplete: "off", value: STABLE });
  const number = make("input", { id: "models-to", type: "number", min: "1", required: true, value: version });
  const form = make(
    "form",
    { class: "bar" },
    field(label, text("models.version_label")),
    make("datalist", { id: "models-known-labels" }, ...known.map((value) => make("option", { value }))),
    field(number, text("models.to_version")),
    make("button", {}, text("models.move")),
  );
  onSubmit(form, () => {
    const values = { label: label.value, version: number.value, name };
    const sentence = label.value === STABLE ? text("models.move_stable_text", values) : text("models.move_text", values);
    const patch = { labels: { [label.value]: Number(number.value) } };
    return context.change(sentence, changeRequest(name, { patch }));
  });
  return form;
}

function shareForm(context) {
  const { name, description } = context.model;
  const share = make("input", { id: "models-share", type: "number", min: "0", max: "100", step: "any", required: true, value: 100 * description.serving.canary_share });
  const form = make("form", { class: "bar" }, field(share, text("models.canary_percent")), make("button", { class: "quiet" }, text("models.set_share")));
  onSubmit(form, () => {
    const value = Number(share.value) / 100;
    const version = String(description.serving.labels[CANARY]);
    const sentence = text("models.share_text", { share: percent(value, 3), version });
    return context.change(sentence, changeRequest(name, { patch: { canary_share: value } }));
  });
  return form;
}

function rollbackButton(context) {
  const { name, description } = context.model;
  const version = String(description.serving.default ?? text("models.none"));
  const ask = () => context.change(text("models.rollback_text", { version, name }), changeRequest(name, { action: "rollback" }));
  return button(text("models.rollback"), ask, { class: "quiet" });
}

function loadButton(context) {
  const { name } = context.model;
  const ask = () => context.change(text("models.load_text", { name }), changeRequest(name, { action: "load" }));
  return button(text("models.load"), ask, { class: "quiet" });
}

function field(input, label) {
  return make("div", { class: "field" }, make("label", { for: input.id }, label), input);
}

function onSubmit(form, act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}
