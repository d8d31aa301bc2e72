// The card that explains the answer to a drawing.

import { byId, make } from "../dom.js";
import { explainedPixels, paint, stepName } from "../explanation.js";

export class Explanation {
  #card = byId("draw-explanation");
  #seen = byId("draw-seen");
  #decided = byId("draw-decided");
  #newest = 0;
  #steps;

  clear() {
    this.#newest++;
    for (const canvas of [this.#seen, this.#decided]) {
      canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    }
    this.#showSteps([]);
    this.isOld = false;
  }

  /** Whether what is shown belongs to an earlier state of the drawing. */
  set isOld(isOld) {
    this.#card.classList.toggle("old", isOld);
  }

  /** Shows the explanation of a prediction. */
  async show(explanation) {
    const number = ++this.#newest;
    const [seen, decided] = await explainedPixels(explanation);
    if (number !== this.#newest) return;
    paint(this.#seen, seen);
    paint(this.#decided, decided);
    this.#showSteps(explanation.steps);
    this.isOld = false;
  }

  #showSteps(steps) {
    if (steps.join() === this.#steps) return;
    this.#steps = steps.join();
    byId("draw-steps").replaceChildren(...steps.map((step) => make("li", {}, stepName(step))));
    byId("draw-steps-part").hidden = steps.length === 0;
  }
}
