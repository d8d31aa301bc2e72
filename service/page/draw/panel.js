// The panel where one draws: it asks a model what was drawn, while it is being drawn.

import { CoverageSlider } from "../coverage.js";
import { CurlView, curlLine } from "../curl.js";
import { byId, download } from "../dom.js";
import { LatestQuestion } from "../latest-question.js";
import { fillModelMenu } from "../model-menu.js";
import { Problem } from "../service.js";
import { text } from "../texts.js";
import { Answer } from "./answer.js";
import { Explanation } from "./explanation.js";
import { Pad } from "./pad.js";

// While the pen is down, questions begin this far apart, so that one drawing costs the service little.
const PAUSE_MILLISECONDS = 50;
// An explanation runs the network some two hundred times. Where that takes longer, or may, it is
// asked for when the pen is up.
const QUICK_MILLISECONDS = 60;
const QUICK_MULTIPLY_ADDS = 5e7;
// A screen reader hears the answer when nothing has changed for this long.
const SETTLED_MILLISECONDS = 1000;
const FILE = "drawing.png";

// It stays when the models could not be listed and the panel is opened again.
let panel;

export async function open(section, { service, catalogue }) {
  panel ??= new DrawPanel(section, service);
  await panel.begin(catalogue);
  return panel;
}

const takesDigits = (model) => model.picture.geometry === "mnist";

class DrawPanel {
  #service;
  #model;
  #answer = new Answer();
  #explanation = new Explanation();
  #question = new LatestQuestion((signal) => this.#ask(signal));
  #curl = new CurlView(byId("draw-curl"));
  #coverage;
  #pad;
  // Counts the changes of the drawing. What was answered and explained is known by this number.
  #ink = 0;
  #answered = {};
  #explained;
  #isQuick;
  #sentences;
  #settling;
  #strokeEnd;

  constructor(section, service) {
    this.#service = service;
    section.addEventListener("keydown", (event) => this.#press(event));
    const [slider, value] = [byId("draw-coverage"), byId("draw-coverage-value")];
    this.#coverage = new CoverageSlider(slider, value, () => this.#askAnew());
    const pen = { mark: byId("draw-pen"), state: byId("draw-pen-state") };
    const events = { onInk: () => this.#inked(), onPenUp: () => this.#penUp() };
    this.#pad = new Pad(byId("draw-canvas"), pen, events);
    this.#listen();
  }

  async begin(catalogue) {
    const takesPicture = ({ picture }) => picture !== undefined;
    const choose = (model) => this.#changeModel(model);
    const hasModel = await fillModelMenu(byId("draw-model"), catalogue, takesPicture, choose, takesDigits);
    byId("draw-no-model").hidden = hasModel;
    for (const name of ["model-field", "answer", "explanation"]) byId(`draw-${name}`).hidden = !hasModel;
  }

  /** Asks the question again that was given up when the panel was hidden. */
  show() {
    this.#askAnew();
  }

  hide() {
    this.#question.cancel();
    clearTimeout(this.#settling);
  }

  /** Asks this model from now on. */
  #changeModel(model) {
    this.#model = model;
    byId("draw-title").textContent = text(takesDigits(model) ? "draw.title" : "draw.title_other");
    this.#isQuick = model.description.multiply_adds < QUICK_MULTIPLY_ADDS;
    this.#coverage.limit(model.largestCoverage);
    this.#answer.begin(model);
    this.#forget();
    this.#askAnew();
  }

  /** Does what a key does wherever the focus is in the panel. */
  #press(event) {
    const undoes = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z";
    const clears = ["Delete", "Escape"].includes(event.key) && event.target.id === "draw-canvas";
    if (undoes) this.#pad.undo();
    else if (clears) this.#pad.clear();
    else return;
    event.preventDefault();
  }

  #listen() {
    for (const change of ["undo", "clear"]) {
      const button = byId(`draw-${change}`);
      button.addEventListener("click", () => {
        this.#pad[change]();
        if (button.disabled) byId("draw-canvas").focus(); // keys go on working
      });
    }
    byId("draw-save").addEventListener("click", async () => download(await this.#pad.png(), FILE));
    const slider = byId("draw-thickness");
    const choose = () => {
      this.#pad.thickness = slider.value / 100;
      byId("draw-dot").style.width = `${slider.value / 14 * 100}%`;
    };
    slider.addEventListener("input", choose);
    choose();
  }

  #inked() {
    this.#ink++;
    const { isEmpty, canUndo } = this.#pad.drawing;
    byId("draw-hint").hidden = !isEmpty;
    byId("draw-undo").disabled = !canUndo;
    byId("draw-clear").disabled = byId("draw-save").disabled = isEmpty;
    this.#unsettle();
    if (isEmpty) this.#forget();
    else this.#askAnew();
  }

  #penUp() {
    this.#strokeEnd = performance.now();
    this.#askAnew();
    this.#settle();
  }

  /** Forgets all answers, and the question under way. */
  #forget() {
    this.#question.cancel();
    this.#answered = {};
    this.#explained = undefined;
    this.#answer.clear();
    this.#explanation.clear();
    this.#showCurl();
  }

  #askAnew() {
    if (!this.#model || this.#pad.drawing.isEmpty) return;
    this.#question.ask(this.#pad.isDrawing ? PAUSE_MILLISECONDS : 0);
  }

  async #ask(signal) {
    const asked = { ink: this.#ink, coverage: this.#coverage.value };
    const isAnswered = this.#answered.ink === asked.ink;
    const isExplained = this.#explained === asked.ink;
    if (isAnswered && isExplained && this.#answered.coverage === asked.coverage) return;
    const explains = !isExplained && (this.#isQuick || isAnswered);
    try {
      const prediction = await this.#predict(explains, signal);
      if (!signal.aborted) this.#show(prediction, asked);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /** Returns the model's prediction of the drawing as it is now. */
  async #predict(explains, signal) {
    const request = {
      method: "POST",
      query: { ...this.#query(), explain: explains || undefined },
      headers: { "Content-Type": "image/png" },
      body: await this.#pad.png(),
      signal,
    };
    const began = performance.now();
    const { predictions } = await this.#service.json(`${this.#model.path}/predict`, request);
    if (explains) this.#isQuick = performance.now() - began < QUICK_MILLISECONDS;
    return predictions[0];
  }

  #query() {
    return { top: "all", coverage: this.#coverage.value };
  }

  #show(prediction, asked) {
    this.#sentences = this.#answer.show(this.#model, prediction);
    this.#answered = asked;
    if (prediction.explanation) {
      this.#explained = asked.ink;
      this.#explanation.show(prediction.explanation);
    } else if (this.#explained !== asked.ink) {
      this.#explanation.isOld = true;
    }
    if (!this.#pad.isDrawing) this.#settle();
  }

  /** Completes what belongs to a drawing that is answered and does not change. */
  #settle() {
    if (this.#answered.ink !== this.#ink) return;
    this.#measure();
    this.#showCurl();
    if (this.#explained !== this.#ink) this.#askAnew();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => (byId("draw-status").textContent = this.#sentences), SETTLED_MILLISECONDS);
  }

  #unsettle() {
    clearTimeout(this.#settling);
    byId("draw-status").textContent = "";
  }

  #fail(error) {
    if (!(error instanceof Problem)) throw error;
    if (error.retryAfter) {
      this.#question.waitFor(error.retryAfter);
      this.#askAnew();
    } else if (this.#pad.isDrawing && error.status >= 400 && error.status < 500) {
      return; // the first dot of a stroke may be no picture yet
    }
    this.#answer.showProblem(sentence(error));
    this.#explanation.isOld = true;
    if (!this.#pad.isDrawing) this.#showCurl();
  }

  /** Shows the line that asks the same: with the drawing in it, or with the file to be saved. */
  #showCurl() {
    if (!this.#model) return;
    const options = this.#pad.drawing.isEmpty
      ? ["--data-binary", `@${FILE}`]
      : ["-d", this.#pad.dataUri()];
    const query = { ...this.#query(), explain: true };
    this.#curl.set(curlLine(this.#service, `${this.#model.path}/predict`, { query, options }));
  }

  /** Notes for the tools of developers how long the answer took, when it has been painted. */
  #measure() {
    if (this.#strokeEnd === undefined) return;
    const start = this.#strokeEnd;
    this.#strokeEnd = undefined;
    requestAnimationFrame(() => setTimeout(() => performance.measure("stroke answered", { start })));
  }
}

/** Says what went wrong, and what happens next. */
function sentence({ status, message, retryAfter }) {
  if (status === 0) return text("draw.unreachable");
  if (retryAfter) return text("draw.busy", { reason: message, count: retryAfter });
  return status >= 500 ? text("draw.failed", { reason: message }) : message;
}
