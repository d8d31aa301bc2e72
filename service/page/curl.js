// The line of curl that does what a panel does, ready to copy.

import { button, make } from "./dom.js";
import { text } from "./texts.js";

/** Writes a word so that a shell of Unix reads it as it is. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/**
 * Writes a line of curl.
 *
 * @param {Service} service The service that is asked.
 * @param {string} path Path below its root.
 * @param {object} request `query` holds parameters; `options` are words for curl, such as
 *     `["-d", "..."]`, which are quoted.
 */
export function curlLine(service, path, { query, options = [] } = {}) {
  const key = service.hasKey ? ['-H "Authorization: Bearer $VITRINE_KEY"'] : [];
  const words = [...options, service.url(path, query).href].map(quoted);
  return ["curl", ...key, ...words].join(" ");
}

/** Shows a line of curl in an element, with a button that copies it; `set` changes the line. */
export class CurlView {
  #line = make("code", { tabindex: "0" });
  #status = make("span", { class: "soft", role: "status" });

  constructor(element) {
    const copy = button(text("frame.copy"), () => this.#copy(), { class: "quiet" });
    element.classList.add("curl");
    element.append(
      make("p", { class: "soft" }, text("frame.curl"), " ", this.#status),
      make("div", {}, this.#line, copy),
    );
  }

  set(line) {
    this.#line.textContent = line;
    this.#status.textContent = "";
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#line.textContent);
      this.#status.textContent = text("frame.copied");
    } catch {
      // Without a secure connection a page may not write to the clipboard: the line is selected.
      getSelection().selectAllChildren(this.#line);
      this.#status.textContent = text("frame.selected");
    }
  }
}
