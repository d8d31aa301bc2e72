// The card of the chosen row: its faults, or its prediction and what decided it.

import { make } from "../dom.js";
import { record } from "../files/csv.js";
import { text } from "../texts.js";
import { contributionElements } from "./contributions.js";
import { predictionElements, predictionSentence } from "./prediction.js";

export class RowCard {
  #service;
  #parts;
  #shown;

  /**
   * @param {Service} service
   * @param {object} parts Elements: `row`, `rowTitle`, `rowResult`, `rowWhy`, `status`.
   */
  constructor(service, parts) {
    this.#service = service;
    this.#parts = parts;
  }

  hide() {
    this.#shown = undefined;
    this.#parts.row.hidden = true;
  }

  /**
   * Shows a row.
   *
   * @param {number} row Its number.
   * @param {Promise<object>} loading Its cells and faults; undefined where they are gone.
   * @param {object} answer `names`, `delimiter`, `decimal` and `coverage` of the answer that it is of.
   * @param {ServedModel} model The model that answered.
   */
  async show(row, loading, answer, model) {
    this.#shown = row;
    this.#parts.row.hidden = false;
    this.#parts.rowTitle.textContent = text("tables.row_number", { row: row + 1 });
    const found = await loading;
    if (!found || this.#shown !== row) return;
    if (found.faults.length > 0) this.#showFaults(found);
    else await this.#explain(found, answer, model);
  }

  #showFaults({ faults, predicted }) {
    this.#write(faults.map(({ detail }) => notice(detail)));
    this.#announce(predicted.error);
  }

  async #explain({ row, cells }, answer, model) {
    try {
      const prediction = await this.#predictAgain(cells, answer, model);
      if (this.#shown !== row) return;
      const valueOf = (name) => cells[answer.names.indexOf(name)] || text("tables.missing");
      this.#write(predictionElements(prediction, model.unit), contributionElements(prediction, model, valueOf));
      this.#announce(predictionSentence(prediction, model.unit));
    } catch (error) {
      if (this.#shown === row) this.#write([notice(error.message)]);
    }
  }

  /** Asks for one row alone, which may be explained; it is written as the answer writes it. */
  async #predictAgain(cells, { names, delimiter, decimal, coverage }, model) {
    const body = [names, cells].map((each) => `${record(each, delimiter)}\n`).join("");
    const { predictions } = await this.#service.json(`${model.path}/predict`, {
      method: "POST",
      query: { explain: "true", coverage, delimiter, decimal },
      headers: { "Content-Type": "text/csv", Accept: "application/json" },
      body,
    });
    return predictions[0];
  }

  #write(result, why = []) {
    this.#parts.rowResult.replaceChildren(...result);
    this.#parts.rowWhy.replaceChildren(...why);
  }

  #announce(sentence) {
    this.#parts.status.textContent = `${this.#parts.rowTitle.textContent}. ${sentence}`;
  }
}

const notice = (sentence) => make("p", { class: "notice bad" }, sentence);
