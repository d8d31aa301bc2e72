// A menu of the models that a panel can ask: the default version of each, and every other version.

import { make } from "./dom.js";
import { text } from "./texts.js";

/**
 * Fills a <select> with models, and calls a function with the one that is chosen, now and later.
 *
 * When versions come and go, the menu is filled again, and the function called with what is chosen then.
 *
 * @param {HTMLSelectElement} select The menu.
 * @param {Catalogue} catalogue Describes the models.
 * @param {function(ServedModel): boolean} fits Says whether the panel can ask a model.
 * @param {function(ServedModel): void} onChoice Is called with the chosen model.
 * @param {function(ServedModel): boolean} [suitsBest] Says which model is chosen at first, rather than
 *     the first one.
 * @returns {Promise<boolean>} Whether there is any model to choose.
 */
export async function fillModelMenu(select, catalogue, fits, onChoice, suitsBest = () => true) {
  let chosen;
  const choose = async () => {
    const [option] = select.selectedOptions;
    const { name, version } = option.dataset;
    const model = await catalogue.describe(name, version);
    if (!option.selected || isSame(model, chosen)) return; // another one was chosen meanwhile
    chosen = model;
    onChoice(model);
  };
  const fill = async () => {
    const models = (await catalogue.models()).filter(fits);
    setOptions(select, models.flatMap(options), models.find(suitsBest)?.name);
    if (models.length > 0) await choose();
    return models.length > 0;
  };
  const hasModels = await fill();
  select.onchange = choose;
  // If that fails, the next answer of another version leads here again.
  catalogue.addEventListener("change", () => fill().catch(() => {}));
  return hasModels;
}

const isSame = (model, other) => model.path === other?.path && model.version === other.version;

/** Keeps what was chosen, if it is still there. */
function setOptions(select, options, first) {
  const before = select.value;
  select.replaceChildren(...options);
  const values = [...select.options].map(({ value }) => value);
  select.value = values.includes(before) ? before : first ?? values[0];
}

function options(model) {
  const { name } = model;
  const { versions } = model.description;
  const first = make("option", { "data-name": name }, name);
  if (versions.length < 2) return [first];
  const others = versions.map((version) =>
    make("option", { "data-name": name, "data-version": version }, text("frame.version_of", { name, version: String(version) })),
  );
  return [first, ...others];
}
