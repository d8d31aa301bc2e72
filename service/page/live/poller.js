// Asks again and again, one request at a time.

import { pause } from "../service.js";

// From the end of one answer to the next request.
const PAUSE_MILLISECONDS = 2000;
// After this time without an answer the page says so.
const PATIENCE_MILLISECONDS = 10_000;

export class Poller {
  #ask;
  #onSilence;
  #stopping;

  /**
   * @param {function} ask Asks once, with a signal that ends the request; it must not throw.
   * @param {function} onSilence Called when an answer is long in coming.
   */
  constructor(ask, onSilence) {
    this.#ask = ask;
    this.#onSilence = onSilence;
  }

  get isRunning() {
    return this.#stopping !== undefined;
  }

  start() {
    if (this.isRunning) return;
    this.#stopping = new AbortController();
    this.#run(this.#stopping.signal);
  }

  /** Stops at once: a request that is under way is ended. */
  stop() {
    this.#stopping?.abort();
    this.#stopping = undefined;
  }

  async #run(signal) {
    while (!signal.aborted) {
      const silence = setTimeout(this.#onSilence, PATIENCE_MILLISECONDS);
      await this.#ask(signal);
      clearTimeout(silence);
      await pause(PAUSE_MILLISECONDS, signal);
    }
  }
}
