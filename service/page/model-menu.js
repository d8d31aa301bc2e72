// A menu of the models that a panel can ask: the default version of each, and every other version.

import { make } from "./dom.js";
import { text } from "./texts.js";

/**
 * Fills a <select> with models, and calls a function with the one that is chosen, now and later.
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
  const models = (await catalogue.models()).filter(fits);
  select.replaceChildren(...models.flatMap(options));
  const best = models.find(suitsBest);
  if (best) select.value = best.name;
  const choose = async () => {
    const [option] = select.selectedOptions;
    const { name, version } = option.dataset;
    const model = await catalogue.describe(name, version);
    if (option.selected) onChoice(model); // not where another one was chosen meanwhile
  };
  select.onchange = choose;
  if (models.length > 0) await choose();
  return models.length > 0;
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
