// A pen that the keyboard moves over the paper, puts down and lifts.

import { text } from "../texts.js";

const STEP = 0.02;
const LARGE_STEP = 0.1;
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
// A screen reader hears the place when the pen has been still this long, not at every step.
const STILL_MILLISECONDS = 700;

export class KeyboardPen {
  #canvas;
  #pen;
  #pad;
  #place = { x: 0.5, y: 0.5 };
  #isDown = false;
  #held = new Set();
  #timer;

  constructor(canvas, pen, pad) {
    this.#canvas = canvas;
    this.#pen = pen;
    this.#pad = pad;
    canvas.addEventListener("keydown", (event) => this.#press(event));
    canvas.addEventListener("keyup", ({ key }) => this.#held.delete(key));
    canvas.addEventListener("focus", () => this.#show(canvas.matches(":focus-visible")));
    canvas.addEventListener("blur", () => this.#leave());
    canvas.addEventListener("pointerdown", () => this.#show(false));
  }

  /** Lifts the pen, if it is down. */
  lift() {
    if (!this.#isDown) return;
    this.#isDown = false;
    this.#mark();
    this.#pad.end();
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in DIRECTIONS) this.#move(event);
    else if (event.key === " " || event.key === "Enter") this.#toggle(event);
    else return;
    event.preventDefault();
    this.#show(true);
  }

  /** Moves the pen; two arrow keys that are held together move it aslant. */
  #move({ key, shiftKey }) {
    this.#held.add(key);
    const step = shiftKey ? LARGE_STEP : STEP;
    for (const held of this.#held) {
      this.#place.x = onPaper(this.#place.x + step * DIRECTIONS[held][0]);
      this.#place.y = onPaper(this.#place.y + step * DIRECTIONS[held][1]);
    }
    if (this.#isDown) this.#pad.extend([this.#place]);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#announce(), STILL_MILLISECONDS);
  }

  #toggle({ repeat }) {
    if (repeat) return;
    if (this.#isDown) {
      this.lift();
    } else {
      this.#pad.begin(this.#place);
      this.#isDown = true;
    }
    this.#announce();
  }

  #leave() {
    this.#held.clear();
    this.lift();
    this.#show(false);
  }

  #show(isShown) {
    this.#pen.mark.hidden = !isShown;
    this.#mark();
  }

  #mark() {
    const { mark } = this.#pen;
    mark.style.left = `${100 * this.#place.x}%`;
    mark.style.top = `${100 * this.#place.y}%`;
    mark.classList.toggle("down", this.#isDown);
  }

  #announce() {
    clearTimeout(this.#timer);
    const place = { across: Math.round(100 * this.#place.x), down: Math.round(100 * this.#place.y) };
    this.#pen.state.textContent = text(this.#isDown ? "draw.pen_down" : "draw.pen_up", place);
  }
}

const onPaper = (share) => Math.min(1, Math.max(0, share));
