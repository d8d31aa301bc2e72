// Sends a table in a thread of its own, keeps the answer, and hands out the rows that are shown.
//
// The page sends {id, name, values} and gets {id, value} back. Meanwhile the worker sends events:
// "begun" with the columns of the answer, "came" with the figures so far, and "ended".

import { Answer } from "./answer.js";
import { Queue } from "./queue.js";

const MILLISECONDS_BETWEEN_REPORTS = 150;
// A browser gives the memory of a page a limit, and ends the page beyond it.
const MOST_BYTES = 2 ** 30;

const stopping = new AbortController();
let answer;
let started;

const actions = {
  score,
  stop: () => stopping.abort(),
  window: (first, count) => answer.window(first, count),
  row: (row) => answer.row(row),
  sort: (column, isDescending) => answer.sort(column, isDescending),
  position: (row) => answer.positionOf(row),
  blob: () => answer.blob(),
};

addEventListener("message", async ({ data: { id, name, values } }) => {
  postMessage({ id, value: await actions[name](...values) });
});

const report = (event, figures) => postMessage({ event, ...figures });

/** Sends a body; whatever happens, the rows that came stay. */
async function score({ url, headers, body, task, labels }) {
  answer = new Answer(task, labels);
  started = performance.now();
  try {
    const { signal } = stopping;
    const response = await fetch(url, { method: "POST", body, headers, signal });
    if (!response.ok) return report("ended", { outcome: "refused", problem: await refusal(response) });
    await read(response);
    report("ended", { outcome: "complete" });
  } catch (error) {
    if (answer.dropReason()) report("came", figures());
    report("ended", { outcome: outcome(), detail: answer.reason ?? error.message });
  }
}

function outcome() {
  if (answer.bytes > MOST_BYTES) return "full";
  return stopping.signal.aborted ? "stopped" : "broken";
}

async function refusal(response) {
  const members = await response.json().catch(() => ({}));
  const detail = members.detail ?? `${response.status} ${response.statusText}`.trim();
  return { detail, errors: members.errors ?? [] };
}

/**
 * Reads the answer as fast as it comes, and looks at it in between.
 *
 * A browser forgets what it has received of an answer that breaks off, and nobody has read yet.
 */
async function read(response) {
  const chunks = new Queue();
  const looking = look(chunks, response);
  try {
    for await (const chunk of response.body) chunks.push(chunk);
  } finally {
    chunks.close();
    await looking;
  }
}

async function look(chunks, response) {
  let reported = -Infinity;
  for (let chunk = await chunks.next(); chunk && !stopping.signal.aborted; chunk = await chunks.next()) {
    const isFirst = !answer.names;
    answer.add(chunk);
    if (answer.bytes > MOST_BYTES) stopping.abort();
    if (isFirst && answer.names) begin(response);
    if (answer.names && performance.now() - reported > MILLISECONDS_BETWEEN_REPORTS) {
      report("came", figures());
      reported = performance.now();
    }
  }
  if (answer.names) report("came", figures());
}

function begin(response) {
  const { names, own, delimiter } = answer;
  const ignored = response.headers.get("X-Ignored-Columns");
  report("begun", {
    names,
    own,
    delimiter,
    ignored: ignored ? ignored.split(", ").map(decodeURIComponent) : [],
    coverage: Number(response.headers.get("X-Coverage")) || undefined,
  });
}

function figures() {
  const { rows, faulty, faultCount, warned, faults, decimal } = answer;
  const seconds = (performance.now() - started) / 1000;
  return { rows, seconds, faulty, faultCount, warned, faults, decimal, chart: answer.chart(), span: answer.span() };
}
