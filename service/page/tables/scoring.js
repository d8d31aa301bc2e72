// The page's side of the worker that sends a table.

/** One table that is sent, and its answer. */
export class Scoring {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #asked = 0;
  #isEnded = false;

  /** @param {function(object): void} onEvent Is called with each event of the worker. */
  constructor(onEvent) {
    this.#worker.addEventListener("message", ({ data }) => {
      if (this.#isEnded) return;
      if (data.event) onEvent(data);
      else this.#settle(data);
    });
    this.#worker.addEventListener("error", (error) => {
      onEvent({ event: "ended", outcome: "broken", detail: error.message });
    });
  }

  #settle({ id, value }) {
    this.#waiting.get(id)(value);
    this.#waiting.delete(id);
  }

  /** Lets the worker do something, and returns what it gives back. */
  ask(name, ...values) {
    const id = (this.#asked += 1);
    this.#worker.postMessage({ id, name, values });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Ends the worker, and frees what it kept; who waits for it gets nothing. */
  end() {
    this.#isEnded = true;
    this.#worker.terminate();
    for (const resolve of this.#waiting.values()) resolve(undefined);
  }
}
