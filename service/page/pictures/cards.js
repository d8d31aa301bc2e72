// The grid of cards, one for each picture.

import { make } from "../dom.js";
import { text } from "../texts.js";
import { details, headline, share } from "./reading.js";

export class Cards {
  #grid;
  #thumbnails;
  #onOpen;
  #cards = new Map();

  /**
   * @param {HTMLUListElement} grid
   * @param {Thumbnails} thumbnails
   * @param {function(Picture): void} onOpen Is called for a card that is clicked.
   */
  constructor(grid, thumbnails, onOpen) {
    this.#grid = grid;
    this.#thumbnails = thumbnails;
    this.#onOpen = onOpen;
    grid.addEventListener("keydown", (event) => this.#move(event));
    grid.addEventListener("focusin", ({ target }) => this.#makeReachable(target));
  }

  /** Shows these pictures in this order; cards that stay are not made again. */
  arrange(pictures) {
    const cards = pictures.map((picture) => this.#card(picture).element);
    const isSame = cards.length === this.#grid.childElementCount && cards.every((card, index) => card === this.#grid.children[index]);
    if (isSame) return;
    const focused = this.#grid.contains(document.activeElement) ? document.activeElement : undefined;
    this.#grid.replaceChildren(...cards);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    this.#makeReachable(this.#grid.querySelector('button[tabindex="0"]') ?? this.#grid.querySelector("button"));
  }

  /** Writes what is known about each picture. */
  show(pictures, model, coverage) {
    for (const picture of pictures) this.#card(picture).show(model, coverage);
  }

  focus(picture) {
    this.#cards.get(picture)?.button.focus();
  }

  clear() {
    this.#cards.clear();
    this.#grid.replaceChildren();
  }

  #card(picture) {
    if (!this.#cards.has(picture)) {
      const thumbnail = this.#thumbnails.element(picture.file);
      this.#cards.set(picture, new Card(picture, thumbnail, () => this.#onOpen(picture)));
    }
    return this.#cards.get(picture);
  }

  /** Only one card is reached with Tab, the others with the arrow keys: there may be hundreds. */
  #makeReachable(button) {
    if (!button) return;
    for (const other of this.#grid.querySelectorAll('button[tabindex="0"]')) other.tabIndex = -1;
    button.tabIndex = 0;
  }

  #move(event) {
    const buttons = [...this.#grid.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const last = buttons.length - 1;
    const row = columnsOf(this.#grid);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, Home: -at, End: last - at };
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(last, at + steps[event.key]))].focus();
  }
}

const columnsOf = (grid) => getComputedStyle(grid).gridTemplateColumns.split(" ").length;

class Card {
  #answer = make("span", { class: "answer" });
  #shown;

  constructor(picture, thumbnail, onOpen) {
    this.picture = picture;
    const name = make("span", { class: "file", title: picture.name }, picture.name);
    this.button = make("button", { type: "button", class: "picture", tabindex: "-1" }, thumbnail, name, this.#answer);
    this.button.addEventListener("click", onOpen);
    this.element = make("li", {}, this.button);
  }

  show(model, coverage) {
    const lines = this.#lines(model, coverage);
    const shown = JSON.stringify(lines);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#answer.replaceChildren(...lines.map(([kind, line]) => make("span", { class: kind }, line)));
    this.button.classList.toggle("strange", this.picture.isStrange);
    this.button.classList.toggle("failed", this.picture.error !== undefined);
  }

  /** Returns the lines of the card: the class of each, and its text. */
  #lines(model, coverage) {
    const { picture } = this;
    if (picture.error !== undefined) return [["badge bad", text("pictures.failed")], ["reason", picture.error]];
    if (picture.answer === undefined) return [["soft", text("pictures.waiting")]];
    const lines = details(picture, model, coverage).map((line) => ["soft", line]);
    const doubt = picture.isStrange ? [["badge warn", text("pictures.strange")]] : [];
    return [["headline", headline(picture, model)], ["share", share(picture) ?? ""], ...lines, ...doubt];
  }
}
