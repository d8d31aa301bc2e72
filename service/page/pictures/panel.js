// Pictures: from files, the clipboard or the camera, each with what the model predicts of it.

import { CoverageSlider } from "../coverage.js";
import { CurlView } from "../curl.js";
import { byId, download, make } from "../dom.js";
import { fillModelMenu } from "../model-menu.js";
import { text } from "../texts.js";
import { Camera } from "./camera.js";
import { Cards } from "./cards.js";
import { answersAsCsv } from "./csv.js";
import { leftOut, picturesLine } from "./curl-line.js";
import { Detail } from "./detail.js";
import { dropped, listed } from "./files.js";
import { Picture } from "./picture.js";
import { Predictor } from "./predictor.js";
import { FILTERS, labelCounts, sorted } from "./selection.js";
import { Thumbnails } from "./thumbnails.js";

// While the slider moves, nothing is asked.
const SLIDING_MILLISECONDS = 250;
// Showing answers takes at most a fifth of the time.
const PAUSE_FACTOR = 4;

// It stays when the models could not be listed and the panel is opened again.
let panel;

export async function open(section, { service, catalogue }) {
  panel ??= new PicturesPanel(section, service);
  await panel.begin(catalogue);
}

class PicturesPanel {
  #service;
  #predictor;
  #cards;
  #detail;
  #camera;
  #curl;
  #coverage;
  #section;
  #pictures = [];
  #count = 0;
  #question;
  #thumbnails = new Thumbnails();
  #sliding;
  #refreshing;
  #refreshPause = 0;

  constructor(section, service) {
    this.#section = section;
    this.#service = service;
    this.#predictor = new Predictor(service);
    this.#cards = new Cards(byId("pictures-grid"), this.#thumbnails, (picture) => this.#openDetail(picture));
    this.#detail = new Detail(service, (picture) => this.#cards.focus(picture));
    this.#camera = new Camera((found) => this.#add(found));
    this.#curl = new CurlView(byId("pictures-curl"));
    this.#coverage = new CoverageSlider(byId("pictures-coverage"), byId("pictures-coverage-value"), () => this.#changeCoverage());
    this.#listen();
  }

  async begin(catalogue) {
    const choose = (model) => this.#changeModel(model);
    const hasModel = await fillModelMenu(byId("pictures-model"), catalogue, (model) => model.picture, choose);
    for (const name of ["choose", "camera"]) byId(`pictures-${name}`).disabled = !hasModel; // nobody could answer before
    byId("pictures-all").hidden = !hasModel;
    byId("pictures-no-model").hidden = hasModel;
  }

  #listen() {
    this.#predictor.onProgress = () => this.#refreshSoon();
    this.#predictor.onWait = (seconds, reason) => this.#showWait(seconds, reason);
    const take = ({ target }) => {
      this.#add(listed(target.files));
      target.value = ""; // the same file may be chosen again
    };
    byId("pictures-input").addEventListener("change", take);
    byId("pictures-capture").addEventListener("change", take);
    byId("pictures-choose").addEventListener("click", () => byId("pictures-input").click());
    byId("pictures-camera").addEventListener("click", () => this.#camera.open());
    byId("pictures-stop").addEventListener("click", () => this.#stop());
    byId("pictures-again").addEventListener("click", () => this.#tryAgain());
    byId("pictures-download").addEventListener("click", () => this.#download());
    byId("pictures-clear").addEventListener("click", () => this.#clear());
    byId("pictures-sort").addEventListener("change", () => this.#arrange());
    this.#section.querySelector(".filter").addEventListener("change", () => this.#arrange());
    addEventListener("paste", (event) => this.#paste(event));
    for (const name of ["dragenter", "dragover"]) addEventListener(name, (event) => this.#drag(event));
    addEventListener("dragleave", (event) => event.relatedTarget || this.#mark(false));
    addEventListener("drop", (event) => this.#drop(event));
  }

  // Files may be dropped anywhere while the panel is shown: a browser opens what is dropped beside a target.

  #takes(transfer) {
    const isBusy = this.#section.hidden || document.querySelector("dialog[open]") || !this.#question;
    return !isBusy && transfer?.types.includes("Files");
  }

  #drag(event) {
    if (!this.#takes(event.dataTransfer)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.#mark(true);
  }

  async #drop(event) {
    this.#mark(false);
    if (!this.#takes(event.dataTransfer)) return;
    event.preventDefault();
    const { files, unread } = await dropped(event.dataTransfer);
    this.#add(files);
    if (unread.length > 0) this.#showNotice(text("pictures.unread", { names: unread.join(", ") }));
    else if (files.length === 0) this.#showNotice(text("pictures.nothing"));
  }

  #mark(isOver) {
    byId("pictures-drop").classList.toggle("over", isOver);
  }

  #paste(event) {
    if (!this.#takes(event.clipboardData)) return;
    event.preventDefault();
    this.#add(listed(event.clipboardData.files));
  }

  #add(found) {
    if (found.length === 0) return;
    this.#showNotice("");
    const pictures = found.map(({ name, file }) => new Picture(this.#count++, name, file));
    this.#pictures.push(...pictures);
    this.#section.classList.add("has-pictures");
    byId("pictures-results").hidden = false;
    this.#predict(pictures);
    this.#showCurl();
  }

  #predict(pictures) {
    if (!this.#question) return; // as soon as there is a model, it is asked about all pictures
    this.#predictor.add(pictures, this.#question);
    this.#refresh();
  }

  #changeModel(model) {
    this.#coverage.limit(model.largestCoverage);
    this.#predictor.stop();
    this.#ask(model);
    for (const picture of this.#pictures) picture.forget();
    if (this.#pictures.length > 0) this.#predict(this.#pictures);
    this.#showCurl();
  }

  #ask(model) {
    this.#question = { model, coverage: this.#coverage.value };
  }

  #changeCoverage() {
    clearTimeout(this.#sliding);
    this.#sliding = setTimeout(() => this.#useCoverage(), SLIDING_MILLISECONDS);
  }

  /** Asks about those pictures whose set at the new coverage is not known. */
  #useCoverage() {
    if (!this.#question) return;
    this.#predictor.stop();
    this.#ask(this.#question.model);
    this.#showCurl();
    if (this.#pictures.length > 0) this.#predict(this.#unknown());
  }

  #unknown() {
    return this.#pictures.filter((picture) => picture.needs(this.#question.coverage));
  }

  #stop() {
    this.#predictor.stop();
    this.#refresh();
    byId("pictures-again").focus();
  }

  #tryAgain() {
    for (const picture of this.#pictures.filter(mayBeTriedAgain)) picture.forget();
    this.#predict(this.#unknown());
  }

  #clear() {
    this.#predictor.stop();
    this.#pictures = [];
    this.#cards.clear();
    this.#thumbnails.clear();
    this.#showNotice("");
    byId("pictures-results").hidden = true;
    this.#section.classList.remove("has-pictures");
    this.#showCurl();
    byId("pictures-choose").focus();
  }

  #download() {
    const { model, coverage } = this.#question;
    download(answersAsCsv(this.#pictures, model, coverage), `${model.name}.csv`);
  }

  #openDetail(picture) {
    this.#detail.open(picture, this.#shown(), this.#question);
  }

  /** Shows what came, at once or a little later: with thousands of pictures, showing takes its time. */
  #refreshSoon() {
    this.#refreshing ??= setTimeout(() => this.#refresh(), this.#refreshPause);
  }

  #refresh() {
    clearTimeout(this.#refreshing);
    this.#refreshing = undefined;
    const began = performance.now();
    this.#showAll();
    this.#refreshPause = PAUSE_FACTOR * (performance.now() - began);
  }

  #showAll() {
    const { model, coverage } = this.#question;
    this.#cards.show(this.#pictures, model, coverage);
    this.#showProgress();
    this.#showCounts();
    this.#arrange();
  }

  #showProgress() {
    const left = this.#unknown().length;
    const isRunning = this.#predictor.isRunning;
    const values = { done: this.#pictures.length - left, count: this.#pictures.length };
    byId("pictures-running").hidden = !isRunning;
    byId("pictures-progress").max = values.count;
    byId("pictures-progress").value = values.done;
    byId("pictures-progress-text").textContent = text("pictures.progress", values);
    if (!isRunning) this.#showNotice("");
    byId("pictures-summary").textContent = isRunning ? "" : this.#summary(left);
    const again = left + this.#pictures.filter(mayBeTriedAgain).length;
    byId("pictures-again").hidden = isRunning || again === 0;
    byId("pictures-again").textContent = text("pictures.again", { count: again });
  }

  #failed() {
    return this.#pictures.filter(FILTERS.failed);
  }

  #summary(left) {
    const failed = this.#failed().length;
    const count = this.#pictures.length;
    const counts = { count, predicted: count - failed - left, failed, left };
    return left > 0 ? text("pictures.summary_stopped", counts) : text("pictures.summary", counts);
  }

  #showCounts() {
    const counts = labelCounts(this.#pictures).map(([label, count]) =>
      make("li", { class: "badge" }, make("strong", {}, label), ` × ${count}`),
    );
    byId("pictures-counts").replaceChildren(...counts);
    for (const place of this.#section.querySelectorAll("[data-count]")) {
      const isShown = FILTERS[place.dataset.count];
      place.textContent = this.#pictures.filter((picture) => isShown(picture, this.#question.coverage)).length;
    }
  }

  #shown() {
    const { value } = this.#section.querySelector(".filter input:checked");
    const shown = this.#pictures.filter((picture) => FILTERS[value](picture, this.#question.coverage));
    return sorted(shown, byId("pictures-sort").value);
  }

  #arrange() {
    const shown = this.#shown();
    this.#cards.arrange(shown);
    byId("pictures-empty").hidden = shown.length > 0 || this.#pictures.length === 0;
  }

  #showWait(seconds, reason) {
    this.#showNotice(seconds > 0 ? text("pictures.retry", { reason, seconds }) : "");
  }

  #showNotice(message) {
    byId("pictures-notice").textContent = message;
    byId("pictures-notice").hidden = message === "";
  }

  #showCurl() {
    if (!this.#question) return;
    this.#curl.set(picturesLine(this.#service, this.#pictures, this.#question));
    const count = leftOut(this.#pictures.length);
    byId("pictures-curl-note").hidden = count === 0;
    byId("pictures-curl-note").textContent = text("pictures.curl_note", { count });
  }
}

const mayBeTriedAgain = ({ error, isWrong }) => error !== undefined && !isWrong;
