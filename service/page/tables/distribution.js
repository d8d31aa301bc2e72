// How often each value or label was predicted.

import { Chart } from "../charts/chart.js";
import { labelBars } from "../label-bars.js";
import { amount, number, percent, text } from "../texts.js";

/** Bars of values, or of labels. */
export class Distribution {
  #parts;
  #chart;

  /** @param {object} parts Elements: `chartCard`, `chart`, `labelChart`, `chartAbout`, `chartText`. */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Shows what was predicted so far.
   *
   * @param {object} counted `rows` that have a prediction, and `bins` of values or counts of `labels`.
   * @param {string} [unit] Unit of the values.
   */
  show({ rows, bins, labels }, unit) {
    const { chart, labelChart, chartCard, chartAbout } = this.#parts;
    chart.hidden = !bins;
    labelChart.hidden = !labels;
    chartCard.hidden = !bins && !labels;
    chartAbout.textContent = unit ? text("tables.chart_unit", { unit }) : text("tables.chart_about");
    if (labels) labelChart.replaceChildren(labelCounts(labels, rows));
    if (bins) this.#draw(bins);
  }

  #draw(bins) {
    this.#chart ??= new Chart(this.#parts.chart, {
      label: text("tables.histogram"),
      kind: "bars",
      height: 200,
      series: [{ label: text("tables.histogram") }],
      x: { format: amount },
      y: { min: 0, format: (count) => (Number.isInteger(count) ? number(count) : "") },
    });
    this.#chart.set(bars(bins));
  }

  /** Says in words what the bars of values show; those of labels stand beside their numbers. */
  say({ bins }) {
    this.#parts.chartText.textContent = bins ? sentences(bins) : "";
  }
}

/** Returns the bars of a chart, with room for half a bar at both ends. */
function bars({ start, step, counts }) {
  const middles = counts.map((_, index) => start + (index + 0.5) * step);
  return [[start - step / 2, ...middles, start + (counts.length + 0.5) * step], [null, ...counts, null]];
}

function labelCounts(labels, rows) {
  return labelBars(
    labels.map(([label, count]) => {
      const share = count / (rows || 1);
      return [label, share, `${number(count)} · ${percent(share)}`];
    }),
  );
}

const sentences = ({ start, step, counts }) =>
  counts
    .map((count, index) => {
      const low = amount(start + index * step);
      return text("tables.bin", { count, low, high: amount(start + (index + 1) * step) });
    })
    .join(" ");
