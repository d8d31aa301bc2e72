// Questions of which only the newest matters.

/**
 * Asks one question at a time.
 *
 * What is wanted while a question is under way is asked after its answer. However often it was
 * wanted until then, it is asked once, and composed when it is asked.
 */
export class LatestQuestion {
  #ask;
  #isWanted = false;
  #current;
  #timer;
  #began = -Infinity;
  #pause = 0;
  #restsUntil = -Infinity;

  /** @param {function(AbortSignal): Promise<void>} ask Asks, and shows the answer or the refusal. */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * Asks as soon as the question under way is answered.
   *
   * @param {number} pause Milliseconds between the beginning of the last question and of this one.
   */
  want(pause = 0) {
    this.#isWanted = true;
    this.#pause = pause;
    if (!this.#current) this.#schedule();
  }

  /** Ends the question under way, and asks nothing until something is wanted again. */
  cancel() {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    this.#current?.abort();
    this.#current = undefined;
  }

  /** Asks nothing for some seconds, whatever is wanted. */
  rest(seconds) {
    this.#restsUntil = performance.now() + 1000 * seconds;
  }

  #schedule() {
    clearTimeout(this.#timer);
    const wait = Math.max(this.#began + this.#pause, this.#restsUntil) - performance.now();
    if (wait > 0) this.#timer = setTimeout(() => this.#begin(), wait);
    else this.#begin();
  }

  async #begin() {
    this.#isWanted = false;
    this.#began = performance.now();
    const current = new AbortController();
    this.#current = current;
    try {
      await this.#ask(current.signal);
    } finally {
      if (this.#current === current) {
        this.#current = undefined;
        if (this.#isWanted) this.#schedule();
      }
    }
  }
}
