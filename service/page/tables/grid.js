// A table of any length, of which only the rows in view are in the document.

import { button, make } from "../dom.js";

const ROW_REMS = 2.25;
const ROWS_BEYOND = 12; // above and below those in view, so that short ways show no gaps
// Browsers cannot show higher elements. A longer table scrolls faster than its rows are high.
const MOST_PIXELS = 10_000_000;

/**
 * A table that is read with the keyboard, a pointer or a finger.
 *
 * Arrows, Page Up, Page Down, Home and End move to another row; Enter or a click chooses it.
 */
export class Grid {
  #options;
  #rowPixels;
  #scroller;
  #head = make("div", { role: "row", class: "row head", "aria-rowindex": "1" });
  #body = make("div", { role: "rowgroup", class: "body" });
  #columns = [];
  #count = 0;
  #active = 0;
  #chosen;
  #drawn = new Map();
  #isLoading = false;
  #mustLoad = false;
  #sorted = {};
  #order = 0; // changes when what was asked for is not shown any more

  /**
   * @param {HTMLElement} scroller Where the table stands; it scrolls inside of it.
   * @param {object} options
   *   label: what the table is; load(first, count): returns a promise of rows, each with its number `row`;
   *   onChoice(row): is called with a row that is chosen; onSort(key, isDescending): with the column that
   *   the rows shall be ordered by, or with nothing for the order of the file.
   */
  constructor(scroller, options) {
    this.#options = options;
    this.#rowPixels = ROW_REMS * parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.#scroller = scroller;
    scroller.setAttribute("role", "grid");
    scroller.setAttribute("aria-label", options.label);
    scroller.tabIndex = 0;
    scroller.replaceChildren(make("div", { role: "rowgroup", class: "heads" }, this.#head), this.#body);
    scroller.addEventListener("scroll", () => requestAnimationFrame(() => this.refresh()));
    scroller.addEventListener("keydown", (event) => this.#onKey(event));
    this.#body.addEventListener("click", (event) => this.#onClick(event));
    new ResizeObserver(() => this.refresh()).observe(scroller);
  }

  /**
   * Begins anew with other columns.
   *
   * @param {object[]} columns Each with `key`, `title`, `width` in CSS, `draw(row)`, which returns a
   *     cell, and `isNumber`.
   */
  begin(columns) {
    this.#columns = columns;
    this.#count = this.#active = 0;
    this.#chosen = undefined;
    this.#sorted = {};
    this.#scroller.scrollTo(0, 0);
    this.#scroller.style.setProperty("--widths", columns.map(({ width }) => width).join(" "));
    this.#scroller.setAttribute("aria-colcount", columns.length);
    this.#head.replaceChildren(...columns.map((column) => this.#heading(column)));
    this.setCount(0);
    this.redraw();
  }

  #heading({ key, title, isNumber }) {
    const cell = make("div", { role: "columnheader", "aria-sort": "none", class: isNumber ? "number" : undefined, title });
    cell.append(button(title, () => this.#sort(key), { class: "heading" }));
    return cell;
  }

  /** Orders by a column: upwards, then downwards, then as the file has its rows. */
  #sort(key) {
    const isSame = this.#sorted.key === key;
    if (isSame && this.#sorted.isDescending) this.#sorted = {};
    else this.#sorted = { key, isDescending: isSame };
    this.#columns.forEach((column, index) => {
      const direction = this.#sorted.isDescending ? "descending" : "ascending";
      this.#head.children[index].setAttribute("aria-sort", column.key === this.#sorted.key ? direction : "none");
    });
    this.#options.onSort(this.#sorted.key, this.#sorted.isDescending);
  }

  /** Says how many rows there are. */
  setCount(count) {
    this.#count = count;
    this.#body.style.height = `${Math.min(count * this.#rowPixels, MOST_PIXELS)}px`;
    this.#scroller.setAttribute("aria-rowcount", count + 1);
    this.refresh();
  }

  /** Draws every row again, because what rows look like has changed. */
  redraw() {
    this.#order += 1;
    this.#drawn.clear();
    this.#body.replaceChildren();
    this.refresh();
  }

  /** Loads and draws the rows in view. */
  async refresh() {
    this.#mustLoad = true;
    if (this.#isLoading) return;
    this.#isLoading = true;
    while (this.#mustLoad) {
      this.#mustLoad = false;
      const first = Math.max(0, this.#firstInView - ROWS_BEYOND);
      const order = this.#order;
      const rows = this.#count > 0 ? await this.#options.load(first, this.#rowsInView + 2 * ROWS_BEYOND) : [];
      if (order === this.#order) this.#draw(first, rows);
    }
    this.#isLoading = false;
  }

  #draw(first, rows) {
    const before = this.#drawn;
    this.#drawn = new Map();
    rows.forEach((row, index) => {
      const element = before.get(row.row) ?? this.#element(row);
      before.delete(row.row);
      this.#drawn.set(row.row, element);
      this.#place(element, first + index, row);
    });
    for (const element of before.values()) element.remove();
    this.#arrange();
    this.#markActive();
  }

  #element(row) {
    const element = make("div", { role: "row", class: "row", id: `tables-row-${row.row}` });
    element.append(...this.#columns.map((column) => column.draw(row)));
    return element;
  }

  /** Puts the rows into the document in their order, in which a screen reader reads them. */
  #arrange() {
    let next = this.#body.firstChild;
    for (const element of this.#drawn.values()) {
      if (element === next) next = next.nextSibling;
      else this.#body.insertBefore(element, next);
    }
  }

  #place(element, position, { row }) {
    element.style.top = `${this.#scroller.scrollTop + position * this.#rowPixels - this.#offset}px`;
    element.setAttribute("aria-rowindex", position + 2);
    element.setAttribute("aria-selected", row === this.#chosen);
    element.dataset.position = position;
    element.dataset.row = row;
  }

  get #viewPixels() {
    return Math.max(0, this.#scroller.clientHeight - this.#head.offsetHeight);
  }

  get #rowsInView() {
    return Math.ceil(this.#viewPixels / this.#rowPixels) + 1;
  }

  /** How many pixels of rows one pixel of scrolling passes. */
  get #ratio() {
    const all = this.#count * this.#rowPixels - this.#viewPixels;
    const shown = Math.min(this.#count * this.#rowPixels, MOST_PIXELS) - this.#viewPixels;
    return shown > 0 ? all / shown : 1;
  }

  /** How many pixels of rows are above those in view. */
  get #offset() {
    return this.#scroller.scrollTop * this.#ratio;
  }

  get #firstInView() {
    return Math.floor(this.#offset / this.#rowPixels);
  }

  #onKey(event) {
    if (event.target !== this.#scroller || this.#count === 0) return;
    const page = Math.max(1, this.#rowsInView - 2);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves) this.#moveTo(this.#active + moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.#choosePosition(this.#active);
    else return;
    event.preventDefault();
  }

  #moveTo(position) {
    this.#active = Math.min(Math.max(position, 0), this.#count - 1);
    this.#reveal(this.#active);
    this.#markActive();
    this.refresh();
  }

  #reveal(position) {
    const top = position * this.#rowPixels;
    const last = top + this.#rowPixels - this.#viewPixels;
    if (top < this.#offset) this.#scroller.scrollTop = top / this.#ratio;
    else if (last > this.#offset) this.#scroller.scrollTop = Math.ceil(last / this.#ratio);
  }

  #markActive() {
    this.#scroller.removeAttribute("aria-activedescendant");
    for (const element of this.#drawn.values()) {
      const isActive = Number(element.dataset.position) === this.#active;
      element.classList.toggle("active", isActive);
      if (isActive) this.#scroller.setAttribute("aria-activedescendant", element.id);
    }
  }

  #onClick({ target }) {
    const row = target.closest(".row");
    if (row) this.#choosePosition(Number(row.dataset.position));
  }

  async #choosePosition(position) {
    const [row] = await this.#options.load(position, 1);
    if (row) this.choose(row.row, position);
  }

  /** Chooses a row, and shows it. */
  choose(row, position) {
    this.#chosen = row;
    this.#moveTo(position);
    for (const element of this.#drawn.values()) {
      element.setAttribute("aria-selected", Number(element.dataset.row) === row);
    }
    this.#options.onChoice(row);
  }
}
