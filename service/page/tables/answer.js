// The answer of the service to a table, kept as the bytes that came and the numbers in them.

import { fields } from "../files/csv.js";
import { isNumeric, ownColumns } from "./columns.js";
import { FaultReader } from "./faults.js";
import { extent, histogram } from "./histogram.js";
import { groupedNumber, plainNumber } from "./numbers.js";
import { keysOf, ordered } from "./order.js";

const QUOTE = 34;
const LINE_FEED = 10;
const MOST_FAULTS = 200;

/** Numbers, one after the other, in an array that grows. */
class Numbers {
  #room = new Float32Array(1024);
  length = 0;

  push(number) {
    if (this.length === this.#room.length) {
      const larger = new Float32Array(2 * this.length);
      larger.set(this.#room);
      this.#room = larger;
    }
    this.#room[this.length++] = number;
  }

  get values() {
    return this.#room.subarray(0, this.length);
  }
}

/** Rows of an answer in CSV. */
export class Answer {
  /** Number of bytes that have come. */
  bytes = 0;
  /** Number of complete rows. */
  rows = 0;
  /** Numbers of rows with a fault, of faults, and of rows with a warning. */
  faulty = 0;
  faultCount = 0;
  warned = 0;
  /** The first faults: {row, line, column, detail}. */
  faults = [];
  /** What the service says in the last line of an answer that it breaks off; undefined otherwise. */
  reason = undefined;
  /** Names of the columns of the file; undefined before the header has come. */
  names = undefined;
  decimal = undefined;

  #task;
  #labels;
  #segments = [];
  #incomplete = new Uint8Array(0);
  #numbers = {};
  #counts = new Map();
  #order;
  #decoder = new TextDecoder();

  constructor(task, labels) {
    this.#task = task;
    this.#labels = labels;
  }

  /** Adds bytes as they come. */
  add(bytes) {
    this.bytes += bytes.length;
    const joined = this.#incomplete.length > 0 ? concatenated(this.#incomplete, bytes) : bytes;
    const ends = lineEnds(joined);
    const end = ends.at(-1) ?? 0;
    this.#incomplete = joined.slice(end);
    if (ends.length > 0) this.#keep(joined.subarray(0, end), ends);
  }

  #keep(bytes, ends) {
    const segment = { bytes, ends, first: this.rows, skipped: this.names ? 0 : 1 };
    this.#segments.push(segment);
    if (!this.names) this.#readHeader(this.#text(segment, 0));
    for (let index = segment.skipped; index < ends.length; index++) this.#addRow(this.#text(segment, index));
  }

  /** The last column of the header is `error`: what stands before it is the delimiter. */
  #readHeader(text) {
    this.delimiter = /([^])error_*$/u.exec(text)[1];
    this.header = fields(text, this.delimiter);
    this.own = ownColumns(this.header, this.#task, this.#labels);
    this.names = this.header.slice(0, this.header.length - this.own.length);
    this.reader = new FaultReader(this.names);
    for (const name of this.own.filter(isNumeric)) this.#numbers[name] = new Numbers();
  }

  #addRow(text) {
    this.reason = reasonIn(text);
    const cells = this.reason === undefined ? this.#ownCells(text) : [];
    this.own.forEach((name, index) => this.#numbers[name]?.push(this.#number(cells[index])));
    if (cells.at(-1)) this.#addFaults(cells.at(-1));
    if (cells.at(-2)) this.warned += 1;
    this.#countLabels(cells[0]);
    this.rows += 1;
  }

  /** Returns the last fields of a row; most rows have no quotes, and need no look at the others. */
  #ownCells(text) {
    if (text.includes('"')) return fields(text, this.delimiter).slice(-this.own.length);
    let start = text.length;
    for (let left = this.own.length; left > 0 && start >= 0; left--) start = text.lastIndexOf(this.delimiter, start - 1);
    return text.slice(start + 1).split(this.delimiter);
  }

  #number(cell = "") {
    this.decimal ??= /[.,]/.exec(cell)?.[0];
    return plainNumber(cell);
  }

  #addFaults(error) {
    const { faults, count } = this.reader.read(error);
    this.faulty += 1;
    this.faultCount += count;
    for (const fault of faults) {
      if (this.faults.length < MOST_FAULTS) this.faults.push({ row: this.rows, ...fault });
    }
  }

  #countLabels(cell) {
    if (this.#labels.length === 0 || !cell) return;
    for (const label of this.own[0] === "labels" ? cell.split("|") : [cell]) {
      this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1);
    }
  }

  /**
   * Forgets the line in which the service says why it breaks the answer off: it is no row.
   *
   * @returns {boolean} Whether there was such a line.
   */
  dropReason() {
    const segment = this.#segments.at(-1);
    if (this.reason === undefined) return false;
    segment.ends.pop();
    segment.bytes = segment.bytes.subarray(0, segment.ends.at(-1) ?? 0);
    this.rows -= 1;
    this.#order = undefined;
    return true;
  }

  /** Returns the whole rows that came, byte for byte. */
  blob() {
    return new Blob(this.#segments.map(({ bytes }) => bytes), { type: "text/csv" });
  }

  /** Returns the text of a row. */
  record(row) {
    const segment = this.#segments[segmentOf(this.#segments, row)];
    return this.#text(segment, row - segment.first + segment.skipped);
  }

  #text({ bytes, ends }, index) {
    return this.#decoder.decode(bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index] - 1));
  }

  /** Returns rows as they are shown, from a position in the order on. */
  window(first, count) {
    const last = Math.min(first + count, this.rows);
    return Array.from({ length: Math.max(0, last - first) }, (_, index) => this.row(this.#rowAt(first + index)));
  }

  #rowAt = (position) => (this.#order && position < this.#order.length ? this.#order[position] : position);

  /** Returns the position of a row in the order. */
  positionOf(row) {
    return this.#order && row < this.#order.length ? this.#order.indexOf(row) : row;
  }

  /** Returns a row with its cells, what was predicted, and its faults. */
  row(row) {
    const cells = fields(this.record(row), this.delimiter);
    const own = cells.splice(-this.own.length);
    const predicted = Object.fromEntries(
      this.own.map((name, index) => [name, isNumeric(name) ? plainNumber(own[index]) : own[index]]),
    );
    const faults = predicted.error ? this.reader.read(predicted.error).faults : [];
    return { row, cells, predicted, faults };
  }

  /**
   * Orders the rows that have come; those that come later follow as they come.
   *
   * @param {string | number | undefined} column Name of a column of the service, index of a column
   *     of the file, or "row" for the number of a row; undefined for the order of the file.
   */
  sort(column, isDescending) {
    this.#order = column === undefined ? undefined : ordered(this.#keys(column), isDescending);
  }

  #keys(column) {
    if (column === "row") return Uint32Array.from({ length: this.rows }, (_, row) => row);
    if (this.#numbers[column]) return this.#numbers[column].values.slice(0, this.rows);
    const at = typeof column === "number" ? column : this.names.length + this.own.indexOf(column);
    const texts = Array.from({ length: this.rows }, (_, row) => fields(this.record(row), this.delimiter)[at]);
    return keysOf(texts, (text) => groupedNumber(text, this.decimal));
  }

  /** Returns how many rows were predicted, and how often each value or label. */
  chart() {
    const rows = this.rows - this.faulty;
    if (this.#labels.length > 0) return { rows, labels: this.#labels.map((label) => [label, this.#counts.get(label) ?? 0]) };
    return { rows, bins: histogram(this.#numbers[this.own[0]].values) };
  }

  /** Returns the least lower and the highest upper end of the intervals; undefined without these. */
  span() {
    if (!this.#numbers.lower) return undefined;
    return [extent(this.#numbers.lower.values)[0], extent(this.#numbers.upper.values)[1]];
  }
}

/** Returns why the service breaks an answer off; undefined for a line that is a row. */
function reasonIn(text) {
  if (!text.startsWith("#error,")) return undefined;
  const cells = fields(text, ",");
  return cells.length === 2 ? cells[1] : undefined;
}

function concatenated(first, second) {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

/** Returns where each complete line ends; an end of a line within quotes is part of a cell. */
function lineEnds(bytes) {
  const ends = [];
  let isQuoted = false;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) isQuoted = !isQuoted;
    else if (bytes[at] === LINE_FEED && !isQuoted) ends.push(at + 1);
  }
  return ends;
}

function segmentOf(segments, row) {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (segments[middle].first <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}
