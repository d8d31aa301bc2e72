// A slider for the coverage: the probability with which sets and intervals hold the truth.

import { percent } from "./texts.js";

const STEPS = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999];
const DEFAULT = 0.9;

/** A slider whose positions are not evenly spaced: the last percent matters most. */
export class CoverageSlider {
  #input;
  #output;
  #field;
  #steps = STEPS;

  /**
   * @param {HTMLInputElement} input The slider, in an element of the class `field`.
   * @param {HTMLOutputElement} output Where its value is shown.
   * @param {function(): void} onChange Is called when the value changes.
   */
  constructor(input, output, onChange) {
    this.#input = input;
    this.#output = output;
    this.#field = input.closest(".field");
    input.addEventListener("input", () => {
      this.#show();
      onChange();
    });
    this.limit(1);
  }

  /** The coverage; undefined for a model that has no sets or intervals. */
  get value() {
    return this.#field.hidden ? undefined : this.#step;
  }

  get #step() {
    return this.#steps[Number(this.#input.value)];
  }

  /** Offers only what a model can keep; the slider is hidden for a model without sets or intervals. */
  limit(largest) {
    this.#field.hidden = largest === undefined;
    if (largest === undefined) return;
    const before = this.#input.max ? this.#step : DEFAULT;
    this.#steps = STEPS.filter((step) => step <= largest);
    this.#input.min = 0;
    this.#input.step = 1;
    this.#input.max = this.#steps.length - 1;
    const index = this.#steps.findLastIndex((step) => step <= before);
    this.#input.value = Math.max(0, index);
    this.#show();
  }

  #show() {
    this.#output.textContent = percent(this.#step);
    this.#input.setAttribute("aria-valuetext", percent(this.#step));
  }
}
