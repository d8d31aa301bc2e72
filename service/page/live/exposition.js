// The text format of Prometheus, in which the service writes its metrics.

const NAME = /^[a-zA-Z_:][\w:]*/;
// A name, labels, a value, and the time of the value, which the service never sends.
const SAMPLE = /^([a-zA-Z_:][\w:]*[ \t]*(?:\{(.*)\})?)[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/;
const LABEL = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)/y;
const ESCAPES = { "\\\\": "\\", '\\"': '"', "\\n": "\n" };
const WORDS = { "+Inf": Infinity, Inf: Infinity, "-Inf": -Infinity, NaN };

/**
 * Reads the samples of some metrics, and passes over all other lines.
 *
 * @param {string} text An answer of `GET /metrics`.
 * @param {Set<string>} wanted Names of samples, such as "vitrine_requests_total".
 * @returns {object[]} For each sample its name, its labels and its value; `series` is the same text
 *     whenever name and labels are the same, as the service always writes labels in one order.
 * @throws {SyntaxError} A line of a wanted sample is not of the format.
 */
export function parse(text, wanted) {
  return text
    .split("\n")
    .filter((line) => wanted.has(NAME.exec(line)?.[0]))
    .map(sampleOf);
}

function sampleOf(line) {
  const [, series, labels = "", value] = SAMPLE.exec(line) ?? refuse(line);
  const [name] = NAME.exec(line);
  return { name, series, labels: labelsOf(labels, line), value: valueOf(value, line) };
}

function labelsOf(text, line) {
  const labels = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.trimEnd().length) {
    const [, name, value] = LABEL.exec(text) ?? refuse(line);
    labels[name] = value.replace(/\\[\\"n]/g, (escape) => ESCAPES[escape]);
  }
  return labels;
}

function valueOf(text, line) {
  const value = WORDS[text] ?? Number(text);
  return Number.isNaN(value) && text !== "NaN" ? refuse(line) : value;
}

function refuse(line) {
  throw new SyntaxError(`This line is not of the text format of Prometheus: ${line.slice(0, 80)}`);
}
