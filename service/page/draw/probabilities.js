// The probabilities of labels, as bars that change while one draws.

import { LabelBar } from "../label-bars.js";
import { probability } from "../texts.js";

const MOST = 10;

/** One bar for each label; of more than ten labels, for the ten that are most probable. */
export class Probabilities {
  #element;
  #labels = [];
  #bars = [];

  constructor(element) {
    this.#element = element;
  }

  /** Makes the bars of a model; those that are shown after that change, and are not made again. */
  begin(labels) {
    this.#labels = labels;
    this.#bars = labels.slice(0, MOST).map(() => new LabelBar());
    this.#element.replaceChildren(...this.#bars.map(({ element }) => element));
    this.#element.hidden = labels.length === 0;
    this.clear();
  }

  clear() {
    const isFixed = this.#labels.length <= MOST;
    for (const [index, bar] of this.#bars.entries()) bar.show(isFixed ? this.#labels[index] : "", 0, "");
  }

  /**
   * @param {object} probabilities The probability of each label.
   * @param {string[]} marked Labels that belong to the answer.
   */
  show(probabilities, marked) {
    for (const [index, label] of this.#shown(probabilities).entries()) {
      const share = probabilities[label];
      this.#bars[index].show(label, share, probability(share), marked.includes(label));
    }
  }

  /** Labels keep their order, so that no bar changes its place, unless there are too many. */
  #shown(probabilities) {
    if (this.#labels.length <= MOST) return this.#labels;
    const ranked = [...this.#labels].sort((a, b) => probabilities[b] - probabilities[a]);
    return ranked.slice(0, MOST);
  }
}
