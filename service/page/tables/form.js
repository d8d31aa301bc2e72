// One row as a form, and its prediction while the row changes.

import { curlLine } from "../curl.js";
import { button, make } from "../dom.js";
import { LatestQuestion } from "../latest-question.js";
import { amount, text } from "../texts.js";
import { contributionElements } from "./contributions.js";
import { makeField } from "./fields.js";
import { predictionElements, predictionSentence } from "./prediction.js";

const MOST_FIELDS = 12;
// A screen reader hears the prediction of the row when it has been still this long.
const QUIET_MILLISECONDS = 700;

export class Form {
  #onChange;
  #allButton;
  #service;
  #parts;
  #model;
  #coverage;
  #fields = [];
  #isOutdated = false;
  #question = new LatestQuestion((signal) => this.#predict(signal));
  #silence;

  /**
   * @param {Service} service
   * @param {object} parts Elements: `fields`, `find`, `result`, `contributions`, `formStatus`.
   * @param {function(): void} onChange Is called when the row, and so the line of curl, changes.
   */
  constructor(service, parts, onChange) {
    this.#service = service;
    this.#parts = parts;
    this.#onChange = onChange;
    parts.find.addEventListener("input", () => this.#find());
  }

  /** Begins with a row that is usual for a model. */
  setModel(model) {
    this.#question.cancel();
    this.#model = model;
    this.#fields = model.columns.map((column) => makeField(column, () => this.#changed()));
    const { fields, find } = this.#parts;
    const isLong = this.#fields.length > MOST_FIELDS;
    find.closest(".field").hidden = !isLong;
    find.value = "";
    this.#allButton = button(text("tables.all_columns", { count: this.#fields.length }), () => this.#showAll(), { class: "quiet" });
    fields.replaceChildren(...this.#fields.map(({ element }) => element), ...(isLong ? [this.#allButton] : []));
    this.#find();
  }

  /** Asks for another coverage; undefined where the model has none. */
  setCoverage(coverage) {
    this.#coverage = coverage;
    this.#changed();
  }

  /** Shows the fields whose names hold a text; without one, the first fields. */
  #find() {
    const wanted = this.#parts.find.value.trim().toLowerCase();
    this.#allButton.hidden = wanted !== "";
    this.#fields.forEach(({ name, element }, index) => {
      element.hidden = wanted ? !name.toLowerCase().includes(wanted) : index >= MOST_FIELDS;
    });
  }

  #showAll() {
    this.#allButton.hidden = true;
    for (const { element } of this.#fields) element.hidden = false;
    this.#fields[MOST_FIELDS].element.querySelector("input, select").focus();
  }

  #instance() {
    return Object.fromEntries(this.#fields.map(({ name, value }) => [name, value()]));
  }

  #request() {
    return {
      query: { explain: "true", coverage: this.#coverage },
      type: "application/json",
      body: JSON.stringify({ instances: [this.#instance()] }),
    };
  }

  /** Returns the line of curl for the row as it is. */
  line() {
    const { query, type, body } = this.#request();
    return curlLine(this.#service, `${this.#model.path}/predict`, { query, options: ["-H", `Content-Type: ${type}`, "-d", body] });
  }

  #changed() {
    this.#onChange();
    this.#isOutdated = true;
    this.ask();
  }

  /** Predicts the row as it is, unless that has been done or nobody can see it. */
  ask() {
    if (this.#isOutdated && !this.#parts.result.closest("[hidden]")) this.#question.ask();
  }

  async #predict(signal) {
    this.#isOutdated = false;
    const { query, type, body } = this.#request();
    const written = this.#instance();
    try {
      const options = { method: "POST", query, headers: { "Content-Type": type }, body, signal };
      const answer = await this.#service.json(`${this.#model.path}/predict`, options);
      if (!signal.aborted) this.#show(answer.predictions[0], written);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #show(prediction, written) {
    const { result, contributions } = this.#parts;
    const { unit } = this.#model;
    const valueOf = (name) => shown(written[name]);
    result.replaceChildren(...predictionElements(prediction, unit));
    contributions.replaceChildren(...contributionElements(prediction, this.#model, valueOf));
    this.#say(predictionSentence(prediction, unit));
  }

  #fail({ message }) {
    this.#parts.contributions.replaceChildren();
    this.#parts.result.replaceChildren(make("p", { class: "notice bad" }, message));
    this.#say(message);
  }

  #say(sentence) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => (this.#parts.formStatus.textContent = sentence), QUIET_MILLISECONDS);
  }
}

function shown(value) {
  if (value === null) return text("tables.missing");
  return typeof value === "number" ? amount(value) : value;
}
