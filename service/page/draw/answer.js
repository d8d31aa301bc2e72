// The answer of a model, in words, bars and a meter.

import { credibilityShare } from "../credibility.js";
import { byId } from "../dom.js";
import { text } from "../texts.js";
import { Probabilities } from "./probabilities.js";
import { credibilityName, read } from "./reading.js";

const LONG = 3;

export class Answer {
  #card = byId("draw-answer");
  #caption = byId("draw-caption");
  #label = byId("draw-label");
  #about = byId("draw-about");
  #problem = byId("draw-problem");
  #strange = byId("draw-strange");
  #set = byId("draw-set");
  #meter = byId("draw-credibility");
  #credibility = byId("draw-credibility-value");
  #probabilities = new Probabilities(byId("draw-bars"));

  /** Prepares for the answers of a model. */
  begin(model) {
    this.#probabilities.begin(model.labels);
    const saysCredibility = model.description.trust != null && model.task !== "regression";
    byId("draw-credibility-part").hidden = !saysCredibility;
    this.clear();
  }

  /** Shows that there is nothing to answer. */
  clear() {
    this.#write({ caption: text("draw.prediction"), label: "", about: text("draw.waiting") });
    this.#probabilities.clear();
  }

  /** Shows a prediction, and returns it in one sentence or a few. */
  show(model, prediction) {
    const reading = read(model, prediction);
    this.#write(reading);
    if (reading.probabilities) this.#probabilities.show(reading.probabilities, reading.marked);
    return this.#sentences(reading);
  }

  /** Shows what went wrong; the answer before it is set back. */
  showProblem(message) {
    this.#problem.textContent = message;
    this.#problem.hidden = false;
    this.#card.classList.add("old");
  }

  #write({ caption, label, about, set, credibility, isStrange = false }) {
    this.#problem.hidden = true;
    this.#card.classList.remove("old");
    this.#card.classList.toggle("strange", isStrange);
    this.#caption.textContent = caption;
    this.#label.textContent = label;
    this.#label.classList.toggle("long", label.length > LONG);
    this.#about.textContent = about;
    this.#strange.hidden = !isStrange;
    this.#set.textContent = set ?? "–";
    this.#writeCredibility(credibility);
  }

  #writeCredibility(credibility) {
    const words =
      credibility === undefined ? "–" : `${credibilityShare(credibility)}: ${credibilityName(credibility)}`;
    this.#credibility.textContent = words;
    this.#meter.setAttribute("aria-valuenow", credibility ?? 0);
    this.#meter.setAttribute("aria-valuetext", words);
    this.#meter.firstElementChild.style.width = `${100 * (credibility ?? 0)}%`;
  }

  #sentences({ caption, label, about, set, isStrange }) {
    if (isStrange) return `${text("draw.strange")} ${caption}: ${label}`;
    const ofSet = set && `${text("draw.set")} ${set}`;
    return [`${caption}: ${label}`, about, ofSet].filter(Boolean).join(". ");
  }
}

