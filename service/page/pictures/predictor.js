// Asks the service about many pictures: in small forms, a few at a time, so that one answer shows soon.
//
// Measured in Chromium with 300 drawings of 64 kB, both on the same two cores: a request for each
// picture took 2.0 to 3.2 s in two lanes and 1.4 to 2.1 s in six, and forms of eight took 1.3 s in two. With
// photos of 430 kB, forms were no faster, and the first answer came later. So a form is
// small in both respects.

import { Problem, pause } from "../service.js";
import { text } from "../texts.js";

const FORM_PICTURES = 8;
const FORM_BYTES = 2 ** 20;
const LANES = 3;
// A service that is busy, or starts again, is waited for this often in a row.
const WAITS = 5;
const LONGEST_WAIT_SECONDS = 60;
// How many probabilities are shown; those of several labels are all part of the file that is downloaded.
const TOP = { "multi-label classification": "all" };
// No answer, too many requests, and what a proxy or the service says while it cannot answer.
const PASSING = [0, 429, 502, 503, 504];
// Refusals that have nothing to do with the pictures: all others would be refused as well.
const HOPELESS = [401, 403, 404, 405];

export class Predictor {
  /** Is called after each form with what was answered. */
  onProgress = () => {};
  /** Is called with the seconds until the next try and the reason; with 0 when it begins. */
  onWait = () => {};

  #service;
  #waiting = [];
  #lanes = 0;
  #stop = new AbortController();
  #pause;
  #waits = 0;

  constructor(service) {
    this.#service = service;
  }

  get isRunning() {
    return this.#lanes > 0;
  }

  /**
   * Asks about pictures; answers and errors are kept in them.
   *
   * @param {Picture[]} pictures
   * @param {object} question `model`, and `coverage` where the model has sets or intervals.
   */
  add(pictures, question) {
    this.#waiting.push(...pictures.map((picture) => ({ picture, question })));
    while (this.#lanes < LANES && this.#waiting.length > 0) this.#lane(this.#stop.signal);
  }

  /** Asks no more, and takes no answer that comes later. */
  stop() {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#waiting = [];
    this.#lanes = 0;
    this.#pause = undefined;
    this.#waits = 0;
  }

  async #lane(signal) {
    this.#lanes += 1;
    try {
      while (this.#waiting.length > 0 && !signal.aborted) await this.#ask(this.#nextForm(), signal);
    } finally {
      if (!signal.aborted) this.#end();
    }
  }

  #end() {
    this.#lanes -= 1;
    this.onProgress();
  }

  /** Takes the next pictures with the same question, as many as fit into a form. */
  #nextForm() {
    const [{ question }] = this.#waiting;
    let bytes = 0;
    let count = 0;
    for (const each of this.#waiting.slice(0, FORM_PICTURES)) {
      bytes += each.picture.file.size;
      if (count > 0 && (bytes > FORM_BYTES || each.question !== question)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #ask(form, signal) {
    const { question } = form[0];
    const pictures = await readable(form.map(({ picture }) => picture));
    if (signal.aborted) return;
    try {
      if (pictures.length > 0) await this.#predict(pictures, question, signal);
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      await this.#giveUp(pictures, question, problem, signal);
    }
    if (!signal.aborted) this.onProgress();
  }

  async #predict(pictures, question, signal) {
    const answer = await this.#answer(pictures, question, signal);
    if (signal.aborted) return;
    for (const [index, picture] of pictures.entries()) {
      picture.take(answer.predictions[index], question.coverage, answer.version);
    }
  }

  /**
   * Keeps the reason why a form was refused.
   *
   * Pictures of a form are asked about one by one, since one of them may be the reason. Where none is,
   * those that wait are not asked about any more.
   */
  async #giveUp(pictures, question, problem, signal) {
    if (isAboutAll(problem)) this.#failAll(pictures, problem.message);
    else if (pictures.length === 1) pictures[0].fail(problem.message);
    else for (const picture of pictures) await this.#ask([{ picture, question }], signal);
  }

  #failAll(pictures, reason) {
    const waiting = this.#waiting.splice(0).map(({ picture }) => picture);
    for (const picture of [...pictures, ...waiting]) picture.fail(reason);
    this.#waits = 0;
  }

  /** Returns the answer for a form; a service that cannot answer now is asked again. */
  async #answer(pictures, question, signal) {
    for (;;) {
      await this.#pause;
      signal.throwIfAborted();
      try {
        const answer = await ask(this.#service, pictures, question, { signal });
        this.#waits = 0;
        return answer;
      } catch (problem) {
        if (!PASSING.includes(problem.status) || !this.#wait(problem, signal)) throw problem;
      }
    }
  }

  /**
   * Lets all lanes wait as long as the service says, or longer each time.
   *
   * @returns {boolean} Whether it is worth to wait once more.
   */
  #wait(problem, signal) {
    if (this.#pause) return true; // another lane has been told so, too
    if (this.#waits === WAITS) return false;
    const seconds = Math.min(problem.retryAfter ?? 2 ** (this.#waits - 1), LONGEST_WAIT_SECONDS);
    this.#waits += 1;
    this.onWait(seconds, problem.message);
    this.#pause = pause(1000 * seconds, signal).then(() => this.#goOn(signal));
    return true;
  }

  #goOn(signal) {
    if (signal.aborted) return;
    this.#pause = undefined;
    this.onWait(0);
  }
}

const isAboutAll = ({ status, type }) =>
  PASSING.includes(status) || HOPELESS.includes(status) || type === "/problems/invalid-parameter";

/**
 * Asks about some pictures in one request.
 *
 * @param {object} options Options of `fetch`, and `query`.
 */
export function ask(service, pictures, { model, coverage }, { query, ...options } = {}) {
  const form = new FormData();
  for (const [index, { file }] of pictures.entries()) form.append(`picture${index + 1}`, file);
  return service.json(`${model.path}/predict`, {
    method: "POST",
    body: form,
    query: { errors: "report", top: TOP[model.task] ?? 10, coverage, ...query },
    ...options,
  });
}

/** Returns those whose file is still there; the others get the reason. */
async function readable(pictures) {
  const found = await Promise.all(pictures.map(isReadable));
  for (const [index, picture] of pictures.entries()) {
    if (!found[index]) picture.fail(text("pictures.unreadable"));
  }
  return pictures.filter((_, index) => found[index]);
}

async function isReadable({ file }) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
