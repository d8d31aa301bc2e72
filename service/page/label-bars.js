// Bars for shares of labels: their probabilities, or how often each was predicted.

import { make } from "./dom.js";
import { text } from "./texts.js";

/** The bar of one label, which an element with the class `label-bars` holds. */
export class LabelBar {
  #label = make("span", { class: "label-name" });
  #fill = make("span");
  #value = make("span", { class: "number" });

  constructor() {
    const track = make("span", { class: "track", "aria-hidden": "true" }, this.#fill);
    this.element = make("li", {}, this.#label, track, this.#value, mark());
  }

  /**
   * @param {string} label Name of the label.
   * @param {number} share How long the bar is, from 0 to 1.
   * @param {string} value The share as it is written.
   * @param {boolean} isMarked Whether the label belongs to the answer.
   */
  show(label, share, value, isMarked = false) {
    this.#label.textContent = label;
    this.#fill.style.width = `${100 * share}%`;
    this.#value.textContent = value;
    this.element.classList.toggle("marked", isMarked);
  }
}

function mark() {
  const sign = make("span", { "aria-hidden": "true" }, "✓");
  return make("span", { class: "mark" }, sign, make("span", { class: "hidden-text" }, text("frame.marked")));
}

/** Makes a list of bars: the label, the share, the share as it is written, and whether it is marked. */
export function labelBars(entries) {
  const bars = entries.map((entry) => {
    const bar = new LabelBar();
    bar.show(...entry);
    return bar.element;
  });
  return make("ul", { class: "label-bars" }, ...bars);
}
