// Questions of which only the newest matters.

/**
 * Asks one question at a time.
 *
 * A question that comes while another one is under way is asked after its answer. However many came
 * until then, one is asked, which is composed at that moment.
 */
export class LatestQuestion {
  #send;
  #isWaiting = false;
  #current;
  #timer;
  #began = -Infinity;
  #pause = 0;
  #notBefore = -Infinity;

  /** @param {function(AbortSignal): Promise<void>} send Asks, and shows the answer or the refusal. */
  constructor(send) {
    this.#send = send;
  }

  /**
   * Asks as soon as the question under way is answered.
   *
   * @param {number} pause Milliseconds between the beginning of the last question and of this one.
   */
  ask(pause = 0) {
    this.#isWaiting = true;
    this.#pause = pause;
    if (!this.#current) this.#schedule();
  }

  /** Ends the question under way, and asks nothing until `ask` is called again. */
  cancel() {
    this.#isWaiting = false;
    clearTimeout(this.#timer);
    this.#current?.abort();
    this.#current = undefined;
  }

  /** Asks nothing for some seconds, as the service demands. */
  waitFor(seconds) {
    this.#notBefore = performance.now() + 1000 * seconds;
  }

  #schedule() {
    clearTimeout(this.#timer);
    const wait = Math.max(this.#began + this.#pause, this.#notBefore) - performance.now();
    if (wait > 0) this.#timer = setTimeout(() => this.#begin(), wait);
    else this.#begin();
  }

  async #begin() {
    this.#isWaiting = false;
    this.#began = performance.now();
    const current = new AbortController();
    this.#current = current;
    try {
      await this.#send(current.signal);
    } finally {
      if (this.#current === current) {
        this.#current = undefined;
        if (this.#isWaiting) this.#schedule();
      }
    }
  }
}
