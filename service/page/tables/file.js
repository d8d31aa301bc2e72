// A file of rows: it is sent, and its answer is shown while it comes.

import { curlLine } from "../curl.js";
import { button, download, make } from "../dom.js";
import { text } from "../texts.js";
import { columnsOf, setSpan } from "./cells.js";
import { Distribution } from "./distribution.js";
import { Grid } from "./grid.js";
import { RowCard } from "./row-card.js";
import { Scoring } from "./scoring.js";

const TYPES = {
  parquet: "application/vnd.apache.parquet",
  arrow: "application/vnd.apache.arrow.stream",
  arrows: "application/vnd.apache.arrow.stream",
  feather: "application/vnd.apache.arrow.stream",
};
// A file of this size is answered so soon that a slider may send it again.
const MOST_QUICK_BYTES = 2 * 2 ** 20;
const PAUSE_MILLISECONDS = 300;
// The speed of fewer rows says more about the request than about the model.
const LEAST_TIMED = 1000;

export class FileView {
  #onChange;
  #service;
  #parts;
  #model;
  #coverage;
  #file;
  #scoring;
  #grid;
  #distribution;
  #answer;
  #figures;
  #asked;
  #pause;
  #rowCard;
  #answeredModel;
  #sortedBy;

  /**
   * @param {Service} service
   * @param {object} parts Elements, by the ends of their ids.
   * @param {function(): void} onChange Is called when the line of curl changes.
   */
  constructor(service, parts, onChange) {
    this.#service = service;
    this.#parts = parts;
    this.#onChange = onChange;
    this.#distribution = new Distribution(parts);
    this.#rowCard = new RowCard(service, parts);
    this.#grid = new Grid(parts.grid, {
      label: text("tables.grid"),
      load: async (first, count) => (await this.#scoring.ask("window", first, count)) ?? [],
      onChoice: (row) => this.#showRow(row),
      onSort: (key, isDescending) => this.#sort(key, isDescending),
    });
    parts.stop.addEventListener("click", () => this.#scoring.ask("stop"));
    parts.again.addEventListener("click", () => this.#send());
    parts.download.addEventListener("click", () => this.#download());
  }

  setModel(model) {
    this.#model = model;
    this.#changed();
  }

  setCoverage(coverage) {
    this.#coverage = coverage;
    this.#changed();
  }

  /** Sends a small file again; a large one waits for a click. */
  #changed() {
    this.#onChange();
    clearTimeout(this.#pause);
    if (!this.#file) return;
    const isQuick = this.#file.size <= MOST_QUICK_BYTES;
    this.#parts.again.hidden = isQuick || !this.#isOutdated();
    if (isQuick) this.#pause = setTimeout(() => this.#isOutdated() && this.#send(), PAUSE_MILLISECONDS);
  }

  #isOutdated() {
    return this.#asked !== this.#address();
  }

  /**
   * Takes a file, and sends it.
   *
   * @param {number} others How many files came with it, which are left aside.
   */
  take(file, others = 0) {
    this.#file = file;
    this.#parts.single.hidden = others === 0;
    this.#parts.single.textContent = text("tables.single", { name: file.name });
    this.#onChange();
    this.#send();
  }

  #query() {
    return { errors: "report", echo: "true", coverage: this.#coverage };
  }

  #address() {
    return this.#service.url(`${this.#model.path}/predict`, this.#query()).href;
  }

  #headers() {
    const ending = this.#file?.name.split(".").at(-1).toLowerCase();
    const type = TYPES[ending];
    return type ? { "Content-Type": type, Accept: "text/csv" } : { "Content-Type": "text/csv" };
  }

  /** Returns the line of curl for the file. */
  line() {
    const headers = Object.entries(this.#headers()).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
    const options = [...headers, "--data-binary", `@${this.#file?.name ?? "table.csv"}`];
    return curlLine(this.#service, `${this.#model.path}/predict`, { query: this.#query(), options });
  }

  #send() {
    const { task, labels } = this.#model;
    const headers = { ...this.#headers(), ...this.#service.authorization() };
    this.#asked = this.#address();
    this.#answeredModel = this.#model;
    this.#answer = this.#figures = this.#sortedBy = undefined;
    this.#begin();
    this.#scoring?.end();
    const scoring = new Scoring((event) => this.#on(event));
    this.#scoring = scoring;
    scoring.ask("score", { url: this.#asked, headers, body: this.#file, task, labels });
  }

  #begin() {
    const { drop, results, problem, file, counts, stop, again, download, status, faults } = this.#parts;
    drop.classList.add("small");
    results.hidden = true;
    problem.hidden = faults.hidden = true;
    this.#rowCard.hide();
    file.textContent = this.#file.name;
    counts.replaceChildren();
    stop.hidden = false;
    again.hidden = download.hidden = true;
    status.textContent = text("tables.sending", { name: this.#file.name });
    this.#parts.state.hidden = false;
    this.#parts.state.setAttribute("aria-busy", "true");
  }

  #on(event) {
    ({ begun: () => this.#begun(event), came: () => this.#came(event), ended: () => this.#ended(event) })[event.event]();
  }

  #begun(answer) {
    this.#answer = answer;
    this.#parts.results.hidden = false;
    this.#parts.ignored.hidden = answer.ignored.length === 0;
    this.#parts.ignored.textContent = text("tables.ignored", { names: answer.ignored.join(", ") });
    this.#grid.begin(columnsOf(answer, this.#answeredModel));
  }

  #came(figures) {
    const before = this.#figures;
    this.#figures = figures;
    this.#showCounts(figures);
    this.#distribution.show(figures.chart, this.#answeredModel.unit);
    if (figures.faults.length !== before?.faults.length) this.#showFaults(figures);
    if (figures.span) setSpan(this.#parts.grid, figures.span);
    this.#grid.setCount(figures.rows);
  }

  #showCounts({ rows, seconds, faulty, warned }) {
    const badge = (name, count, kind) => (count > 0 ? [make("span", { class: `badge ${kind}` }, text(name, { count }))] : []);
    this.#parts.counts.replaceChildren(
      make("span", { class: "badge" }, text("tables.rows", { count: rows })),
      ...badge("tables.faulty", faulty, "bad"),
      ...badge("tables.warned", warned, "warn"),
      ...(rows >= LEAST_TIMED ? [make("span", { class: "soft" }, text("tables.speed", { count: Math.round(rows / seconds) }))] : []),
    );
  }

  #showFaults({ faults, faultCount }) {
    const { faults: card, faultTitle, faultList, faultMore } = this.#parts;
    card.hidden = faults.length === 0;
    faultTitle.textContent = text("tables.faults", { count: faultCount });
    faultList.replaceChildren(...faults.map((fault) => this.#faultItem(fault)));
    faultMore.hidden = faultCount <= faults.length;
    faultMore.textContent = text("tables.faults_more", { count: faults.length });
  }

  #faultItem({ row, detail }) {
    return make("li", {}, button(detail, () => this.#goTo(row), { class: "plain" }));
  }

  async #goTo(row) {
    this.#grid.choose(row, await this.#scoring.ask("position", row));
  }

  #ended({ outcome, problem, detail }) {
    const { stop, problem: place, status, download } = this.#parts;
    stop.hidden = true;
    this.#parts.state.setAttribute("aria-busy", "false");
    const { rows = 0, faultCount = 0 } = this.#figures ?? {};
    if (this.#figures) this.#settle();
    download.hidden = rows === 0;
    place.hidden = outcome === "complete";
    const lines = endTexts(outcome, { problem, detail, count: rows, isBegun: this.#answer !== undefined });
    place.replaceChildren(...lines.map((line) => make("p", {}, line)));
    status.textContent = outcome === "complete" ? text("tables.done", { count: rows, faults: faultCount }) : place.textContent;
    this.#changed();
  }

  /** Shows what was left out while rows came. */
  #settle() {
    this.#showFaults(this.#figures);
    this.#distribution.say(this.#figures.chart);
    if (this.#sortedBy) this.#sort(...this.#sortedBy);
  }

  async #sort(key, isDescending) {
    this.#sortedBy = key === undefined ? undefined : [key, isDescending];
    this.#parts.grid.setAttribute("aria-busy", "true");
    await this.#scoring.ask("sort", key, isDescending);
    this.#parts.grid.removeAttribute("aria-busy");
    this.#grid.redraw();
  }

  #showRow(row) {
    const answer = { ...this.#answer, decimal: this.#figures.decimal };
    this.#rowCard.show(row, this.#scoring.ask("row", row), answer, this.#answeredModel);
  }

  async #download() {
    const blob = await this.#scoring.ask("blob");
    download(blob, `${this.#file.name.replace(/\.[^.]*$/, "")}-predictions.csv`);
  }
}

/** Returns what to say of an answer that is not complete. */
function endTexts(outcome, { problem, detail, count, isBegun }) {
  if (outcome === "refused") return refusalTexts(problem);
  if (outcome === "stopped") return [text("tables.stopped", { count })];
  if (outcome === "full") return [text("tables.full", { count })];
  if (outcome === "complete") return [];
  return [isBegun ? text("tables.broken", { count, reason: detail }) : text("tables.unanswered", { reason: detail })];
}

/** Returns what a refusal says: the service lists at most 20 faults of a file. */
function refusalTexts({ detail, errors }) {
  return errors.length > 1 ? [detail, ...errors.slice(1).map((error) => error.detail)] : [detail];
}
