// Small pictures for the cards, made one after the other beside the page, which never waits for them.

import { make } from "../dom.js";

export class Thumbnails {
  #worker;
  #elements = new Map();
  #files = new WeakMap();
  #next = 0;
  #urls = [];
  // A thumbnail is only made when its card comes near.
  #observer = new IntersectionObserver((entries) => this.#near(entries), { rootMargin: "600px" });

  /** Makes the element that will show a file. */
  element(file) {
    const element = make("span", { class: "thumbnail", "aria-hidden": "true" });
    this.#files.set(element, file);
    this.#observer.observe(element);
    return element;
  }

  /** Lets the browser forget all thumbnails. */
  clear() {
    this.#observer.disconnect();
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#elements.clear();
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = [];
  }

  #near(entries) {
    for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
      this.#observer.unobserve(target);
      this.#elements.set(++this.#next, target);
      this.#started().postMessage({ id: this.#next, file: this.#files.get(target) });
    }
  }

  #started() {
    if (!this.#worker) {
      this.#worker = new Worker(new URL("thumbnail-worker.js", import.meta.url));
      this.#worker.onmessage = ({ data }) => this.#show(data);
    }
    return this.#worker;
  }

  #show({ id, blob, isSmall }) {
    const element = this.#elements.get(id);
    this.#elements.delete(id);
    if (!blob) return element.replaceChildren(placeholder(this.#files.get(element)));
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    element.replaceChildren(make("img", { src: url, alt: "", draggable: "false", class: isSmall ? "pixels" : undefined }));
  }
}

/** Stands for a picture that the browser cannot show: the ending of its name. */
export function placeholder(file) {
  const ending = /\.(\w{1,5})$/.exec(file.name)?.[1] ?? "?";
  return make("span", { class: "placeholder" }, ending.toUpperCase());
}
