// Charts, drawn by uPlot in the colours of the page.

import { addStyle } from "../dom.js";
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { clock, significant } from "../texts.js";

addStyle("vendor/uplot/uPlot.min.css");

const darkness = matchMedia("(prefers-color-scheme: dark)");
const COLOURS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5"];
const HEIGHT = 220;
const HEIGHT_OF_LABELS = 32;
const WIDTH_OF_CHARACTER = 7;
const WIDTH_OF_CLOCK = 96;
const LEAST_SPACE = 50;
const DASH = [6, 4];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * A chart of one or more series over the same x.
 *
 * A chart is a picture for those who see it. What it shows must stand beside it in words or in a
 * table for those who do not, and `label` says what it is.
 */
export class Chart {
  #element;
  #options;
  #plot;
  #data;

  /**
   * @param {HTMLElement} element Where it stands; the chart takes its width.
   * @param {object} options
   *   label: what the chart shows, in words;
   *   series: [{label, colour, points, dashed}], where colour is the number of a colour from 1 to 5,
   *     points says whether each value is a dot as well, because one without neighbours has no
   *     line, and dashed whether the line is;
   *   kind: "lines" or "bars"; time: whether x is a moment in seconds since 1970;
   *   height: in pixels; y: {min, max, format}; x: {label, format}, where the
   *   legend shows label.
   */
  constructor(element, options) {
    this.#element = element;
    this.#options = options;
    element.classList.add("chart");
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", options.label);
    new ResizeObserver(() => this.#fit()).observe(element);
  }

  /** Shows these data: [x, y of the first series, ...], arrays of the same length. */
  set(data) {
    this.#data = data;
    if (this.#plot) this.#plot.setData(data);
    else this.#draw();
  }

  #fit() {
    if (!this.#element.isConnected) this.#end();
    const width = this.#element.clientWidth;
    if (width === 0) return;
    if (this.#plot) this.#plot.setSize({ width, height: this.#height });
    else this.#draw();
  }

  get #height() {
    return this.#options.height ?? HEIGHT;
  }

  /** Lets go of a drawing that was taken from the page: nothing else knows when it is needed no more. */
  #end() {
    darkness.removeEventListener("change", this.#draw);
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #draw = () => {
    const width = this.#element.clientWidth;
    if (!this.#data || width === 0) return;
    darkness.addEventListener("change", this.#draw);
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#uplotOptions(width), this.#data, this.#element);
  };

  #uplotOptions(width) {
    const { time = false, x = {}, y = {} } = this.#options;
    return {
      width,
      height: this.#height,
      cursor: { drag: { setScale: false } },
      legend: { show: this.#options.series.length > 1, markers: { dash: markerOf } },
      scales: { x: { time }, y: { range: (_, low, high) => range(y, low, high) } },
      axes: [
        { ...axis(time ? clock : x.format), size: HEIGHT_OF_LABELS, space: time ? WIDTH_OF_CLOCK : spaceOf(x.format) },
        { ...axis(y.format), size: widthOfLabels },
      ],
      series: [
        { label: x.label ?? "", value: written(time ? clock : x.format) },
        ...this.#options.series.map((each, index) => this.#series(each, index)),
      ],
    };
  }

  #series({ label, colour: index, points = false, dashed }, position) {
    const stroke = colour(COLOURS[(index ?? position + 1) - 1]);
    const isBars = this.#options.kind === "bars";
    return {
      label,
      stroke,
      value: written(this.#options.y?.format),
      width: isBars ? 0 : 2,
      dash: dashed ? DASH : undefined,
      fill: isBars ? stroke : undefined,
      paths: isBars ? uPlot.paths.bars({ size: [0.9, 100], gap: 1 }) : undefined,
      points: { show: points, size: 4, fill: stroke },
    };
  }
}

/** The room that labels beside each other need: about as much as the longer one of both ends. */
const spaceOf = (format = significant) => (plot, index, low, high) =>
  Math.max(LEAST_SPACE, WIDTH_OF_CHARACTER * (2 + Math.max(format(low).length, format(high).length)));

/** The room that labels below each other need, as wide as the longest of them. */
const widthOfLabels = (_, labels) =>
  HEIGHT_OF_LABELS + WIDTH_OF_CHARACTER * Math.max(...(labels ?? []).map(({ length }) => length), 0);

/** How the legend draws the border of a series: as its line is. */
const markerOf = (plot, index) => (plot.series[index].dash ? "dashed" : "solid");

/** Writes a value in the legend: that below the pointer, where there is one. */
const written = (format = significant) => (_, value) => (value === null ? "–" : format(value));

function axis(format = significant) {
  const line = { stroke: colour("--line"), width: 1 };
  return {
    stroke: colour("--soft"),
    font: "12px system-ui, sans-serif",
    grid: line,
    ticks: line,
    values: (_, splits) => splits.map((value) => (value === null ? "" : format(value))),
  };
}

function range({ min, max }, low, high) {
  const bottom = min ?? low ?? 0;
  const top = max ?? high ?? 1;
  return top > bottom ? [bottom, top] : [bottom, bottom + 1];
}
