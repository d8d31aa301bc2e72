// Values that come faster than they are looked at.

/** Values in the order in which they came. */
export class Queue {
  #values = [];
  #isClosed = false;
  #wake = () => {};
  #channel = new MessageChannel();

  constructor() {
    this.#channel.port1.onmessage = () => this.#wake();
  }

  push(value) {
    this.#values.push(value);
    this.#wake();
  }

  /** Says that no other value comes. */
  close() {
    this.#isClosed = true;
    this.#wake();
  }

  /**
   * Returns the next value, or undefined after the last one.
   *
   * Whatever else waits to be done in this thread is done before.
   */
  async next() {
    this.#channel.port2.postMessage(undefined);
    await this.#woken();
    while (this.#values.length === 0 && !this.#isClosed) await this.#woken();
    if (this.#values.length === 0) this.#channel.port1.close();
    return this.#values.shift();
  }

  #woken() {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
