// The files that training wrote beside a version: its card, its history and its plots.

import { make } from "../dom.js";
import { text } from "../texts.js";

export class Report {
  #service;
  #path;
  #files = new Map();
  #urls = [];

  /**
   * @param {Service} service The service that has the files.
   * @param {ServedModel} model The version that they are about.
   */
  constructor(service, model) {
    this.#service = service;
    this.#path = `${model.path}/report`;
  }

  /** Asks which files there are, and returns this report. */
  async open() {
    const { files } = await this.#service.json(this.#path);
    this.#files = new Map(files.map((file) => [file.path, file]));
    return this;
  }

  has(path) {
    return this.#files.has(path);
  }

  /** The paths of the plots. */
  get plots() {
    return [...this.#files.values()].filter((file) => file.media_type === "image/png").map((file) => file.path);
  }

  /** Returns the text of a file; undefined where the report has no such file. */
  async text(path) {
    return this.has(path) ? (await this.#request(path)).text() : undefined;
  }

  /**
   * Shows a plot. It is asked for here and not by the element, which could send no API key.
   *
   * @param {string} path Path of the plot in this report.
   * @param {string} alt What it shows, in words.
   */
  figure(path, alt) {
    const link = make("a", { target: "_blank", title: text("models.full_size") });
    const element = make("figure", { class: "plot" }, link, make("figcaption", { class: "soft small" }, alt));
    this.#fill(link, path, alt).catch((error) => {
      link.replaceWith(make("p", { class: "bad" }, error.message));
    });
    return element;
  }

  async #fill(link, path, alt) {
    const url = URL.createObjectURL(await (await this.#request(path)).blob());
    this.#urls.push(url);
    link.href = url;
    link.append(make("img", { src: url, alt }));
  }

  #request(path) {
    return this.#service.request(`${this.#path}/${path.split("/").map(encodeURIComponent).join("/")}`);
  }

  /** Lets the browser forget the plots. */
  close() {
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = [];
  }
}
