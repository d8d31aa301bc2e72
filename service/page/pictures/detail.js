// One picture at large: all bars, what the model saw of it, and the ink that decided.

import { byId, make } from "../dom.js";
import { explainedPixels, paint, stepName } from "../explanation.js";
import { labelBars } from "../label-bars.js";
import { list, probability, text } from "../texts.js";
import { ask } from "./predictor.js";
import { details, headline, share } from "./reading.js";
import { placeholder } from "./thumbnails.js";

const MOST_BARS = 20;

export class Detail {
  #service;
  #dialog = byId("pictures-detail");
  #body = byId("pictures-detail-body");
  #pictures = [];
  #at = 0;
  #question;
  #url;
  #asking = new AbortController();

  /**
   * @param {Service} service
   * @param {function(Picture): void} onClose Is called with the picture that was shown last.
   */
  constructor(service, onClose) {
    this.#service = service;
    this.#dialog.addEventListener("close", () => {
      this.#forget();
      this.#body.replaceChildren();
      onClose(this.#pictures[this.#at]);
    });
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    byId("pictures-close").addEventListener("click", () => this.#dialog.close());
    byId("pictures-before").addEventListener("click", () => this.#go(-1));
    byId("pictures-after").addEventListener("click", () => this.#go(1));
  }

  /**
   * Shows a picture.
   *
   * @param {Picture[]} pictures Those that the arrow keys reach.
   * @param {object} question `model` and `coverage` that were asked.
   */
  open(picture, pictures, question) {
    this.#pictures = pictures;
    this.#question = question;
    this.#at = pictures.indexOf(picture);
    this.#dialog.showModal();
    this.#show();
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.#go(step);
  }

  #go(step) {
    const next = this.#at + step;
    if (next < 0 || next >= this.#pictures.length) return;
    this.#at = next;
    this.#show();
  }

  #forget() {
    this.#asking.abort();
    this.#asking = new AbortController();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = undefined;
  }

  #show() {
    this.#forget();
    const picture = this.#pictures[this.#at];
    const name = byId("pictures-detail-name");
    name.textContent = picture.name;
    name.focus();
    byId("pictures-position").textContent = text("pictures.position", { at: this.#at + 1, count: this.#pictures.length });
    byId("pictures-before").disabled = this.#at === 0;
    byId("pictures-after").disabled = this.#at === this.#pictures.length - 1;
    this.#body.replaceChildren(this.#large(picture), this.#answer(picture));
    if (picture.answer) this.#explain(picture);
  }

  #large({ name, file }) {
    this.#url = URL.createObjectURL(file);
    const image = make("img", { class: "large", src: this.#url, alt: text("pictures.picture_of", { name }) });
    const frame = make("div", { class: "frame" }, image);
    image.addEventListener("error", () => frame.replaceChildren(placeholder(file), make("p", { class: "soft" }, text("pictures.not_shown"))));
    image.addEventListener("load", () => image.classList.toggle("pixels", image.naturalWidth <= 64));
    return frame;
  }

  #answer(picture) {
    const { model, coverage } = this.#question;
    if (picture.error !== undefined) return make("div", {}, make("p", { class: "notice bad" }, picture.error));
    if (!picture.answer) return make("div", {}, make("p", { class: "soft" }, text("pictures.waiting")));
    const lines = details(picture, model, coverage).map((line) => make("p", { class: "line" }, line));
    const doubt = picture.isStrange ? make("p", { class: "notice warn" }, text("pictures.strange_about")) : undefined;
    return make(
      "div",
      {},
      make("p", { class: "headline" }, headline(picture, model), " ", make("span", { class: "share" }, share(picture) ?? "")),
      ...lines,
      doubt,
      this.#bars(picture),
      make("div", { class: "explanation", role: "status" }, make("p", { class: "soft" }, text("pictures.explaining"))),
    );
  }

  #bars(picture) {
    const { probabilities } = picture.answer;
    if (!probabilities) return undefined;
    const inSet = picture.setAt(this.#question.coverage) ?? picture.answer.labels ?? [];
    const ranked = Object.entries(probabilities).sort(([, a], [, b]) => b - a).slice(0, MOST_BARS);
    return labelBars(ranked.map(([label, share]) => [label, share, probability(share), inSet.includes(label)]));
  }

  async #explain(picture) {
    const { signal } = this.#asking;
    const place = this.#body.querySelector(".explanation");
    try {
      const answer = await ask(this.#service, [picture], this.#question, { signal, query: { explain: true } });
      const { explanation, error } = answer.predictions[0];
      const shown = error ? [make("p", { class: "notice bad" }, error)] : await parts(explanation);
      if (!signal.aborted) place.replaceChildren(...shown);
    } catch (error) {
      if (signal.aborted) return;
      place.replaceChildren(make("p", { class: "notice bad" }, error.message));
    }
  }
}

/** Shows what the network received, and over the same picture what decided. */
async function parts(explanation) {
  const { steps } = explanation;
  const [seen, decided] = await explainedPixels(explanation);
  const done = text("pictures.steps", { steps: list(steps.map(stepName)) });
  return [
    figure(seen, text("explanation.seen")),
    figure(decided, text("explanation.decided")),
    ...(steps.length > 0 ? [make("p", { class: "soft small" }, done)] : []),
  ];
}

function figure(pixels, caption) {
  const canvas = make("canvas", { role: "img", "aria-label": caption, class: "pixels" });
  paint(canvas, pixels);
  return make("figure", {}, canvas, make("figcaption", { "aria-hidden": "true" }, caption));
}
