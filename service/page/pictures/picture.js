// One picture, and what is known about it.

import { isLow } from "../credibility.js";

export class Picture {
  /** The answer of the service; undefined until there is one. */
  answer;
  /** Why there is no answer; undefined where none was refused. */
  error;
  /** Whether the reason lies in the file, so that there is no use in asking again. */
  isWrong = false;
  #sets = new Map();

  /**
   * @param {number} order How many pictures came before.
   * @param {string} name Name of the file, with its folders where it came with them.
   * @param {File} file
   */
  constructor(order, name, file) {
    this.order = order;
    this.name = name;
    this.file = file;
  }

  /** Forgets what was answered, for example since another model is asked. */
  forget() {
    this.answer = undefined;
    this.error = undefined;
    this.isWrong = false;
    this.#sets.clear();
  }

  /** Keeps one entry of the predictions of an answer, which is an error for a wrong file. */
  take(prediction, coverage, version) {
    if (prediction.error !== undefined) {
      this.fail(prediction.error);
      this.isWrong = true;
      return;
    }
    this.error = undefined;
    // Sets of another version are not those of this one.
    if (this.answer?.version !== version) this.#sets.clear();
    this.answer = { ...prediction, version };
    if (coverage !== undefined) this.#sets.set(coverage, trustOf(prediction));
  }

  /** Keeps the reason why there is no answer. */
  fail(reason) {
    this.forget();
    this.error = reason;
  }

  /** Says whether the service must be asked to know the answer at a coverage. */
  needs(coverage) {
    if (this.error !== undefined) return false;
    return this.answer === undefined || (coverage !== undefined && this.#known(coverage) === undefined);
  }

  /** Returns the set of labels at a coverage; undefined where it is not known. */
  setAt(coverage) {
    return this.#known(coverage)?.set;
  }

  /** Returns the interval at a coverage; undefined where it is not known. */
  intervalAt(coverage) {
    return this.#known(coverage)?.interval;
  }

  /**
   * A set grows with the coverage. So two equal sets are also the set of every coverage between
   * theirs, which is the case for most pictures.
   */
  #known(coverage) {
    if (this.#sets.has(coverage)) return this.#sets.get(coverage);
    const known = [...this.#sets.keys()].sort((a, b) => a - b);
    const below = this.#sets.get(known.findLast((each) => each < coverage));
    const above = this.#sets.get(known.find((each) => each > coverage));
    const isSame = below?.set !== undefined && below.set.length === above?.set?.length;
    return isSame ? below : undefined;
  }

  /** Whether hardly any picture of training looked as strange. */
  get isStrange() {
    return isLow(this.answer?.credibility);
  }

  /** Whether the answer leaves more than one label open, or cannot be trusted. */
  isUncertain(coverage) {
    return this.isStrange || this.setAt(coverage)?.length > 1;
  }

  /** The labels that are predicted; undefined for a model that names none. */
  get labels() {
    const { label, labels } = this.answer ?? {};
    return label === undefined ? labels : [label];
  }
}

const trustOf = ({ set, interval }) => ({ set, interval });
