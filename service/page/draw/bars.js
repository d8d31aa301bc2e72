// The probabilities of labels, as bars.

import { make } from "../dom.js";
import { probability, text } from "../texts.js";

const MOST = 10;

/** One bar for each label; of more than ten labels, for the ten that are most probable. */
export class Bars {
  #element;
  #labels = [];
  #rows = [];

  constructor(element) {
    this.#element = element;
  }

  /** Makes the bars of a model; those that are shown after that change, and are not made again. */
  begin(labels) {
    this.#labels = labels;
    this.#rows = labels.slice(0, MOST).map(() => new Row());
    this.#element.replaceChildren(...this.#rows.map((row) => row.element));
    this.#element.hidden = labels.length === 0;
    this.clear();
  }

  clear() {
    const isFixed = this.#labels.length <= MOST;
    for (const [index, row] of this.#rows.entries()) row.clear(isFixed ? this.#labels[index] : "");
  }

  /**
   * @param {object} probabilities The probability of each label.
   * @param {string[]} marked Labels that belong to the answer.
   */
  show(probabilities, marked) {
    for (const [index, label] of this.#shown(probabilities).entries()) {
      this.#rows[index].show(label, probabilities[label], marked.includes(label));
    }
  }

  /** Labels keep their order, so that no bar changes its place, unless there are too many. */
  #shown(probabilities) {
    if (this.#labels.length <= MOST) return this.#labels;
    const ranked = [...this.#labels].sort((a, b) => probabilities[b] - probabilities[a]);
    return ranked.slice(0, MOST);
  }
}

class Row {
  #label = make("span", { class: "what" });
  #fill = make("span");
  #value = make("span", { class: "number" });

  constructor() {
    this.element = make(
      "li",
      {},
      this.#label,
      make("span", { class: "track" }, this.#fill),
      this.#value,
      make(
        "span",
        { class: "mark" },
        make("span", { "aria-hidden": "true" }, "✓"),
        make("span", { class: "hidden-text" }, text("draw.marked")),
      ),
    );
  }

  clear(label) {
    this.#write(label, 0, "", false);
  }

  show(label, share, isMarked) {
    this.#write(label, share, probability(share), isMarked);
  }

  #write(label, share, value, isMarked) {
    this.#label.textContent = label;
    this.#fill.style.width = `${100 * share}%`;
    this.#value.textContent = value;
    this.element.classList.toggle("marked", isMarked);
  }
}
