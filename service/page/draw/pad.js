// The paper: it takes strokes of a mouse, a finger, a pen or the keyboard, and shows them.

import { Drawing } from "./drawing.js";
import { KeyboardPen } from "./keyboard-pen.js";
import { StrokeCanvas } from "./stroke-canvas.js";

// The picture that is sent has sides of this many pixels, whatever the screen is.
const SENT_SIDE = 280;
// The narrowest stroke of a pen, and what full pressure adds, as shares of the chosen thickness.
const LIGHTEST = 0.4;
const PRESSURE = 1.2;

export class Pad {
  drawing = new Drawing();

  #shown;
  #sent = new StrokeCanvas(Object.assign(document.createElement("canvas"), { width: SENT_SIDE, height: SENT_SIDE }));
  #stroke;
  #pointer;
  #events;

  /**
   * @param {HTMLCanvasElement} canvas The paper.
   * @param {{mark: HTMLElement, state: HTMLElement}} pen Show where the keyboard's pen is.
   * @param {{onInk: function(): void, onPenUp: function(): void}} events Are called when ink was added or
   *     removed, and when a stroke has ended.
   */
  constructor(canvas, pen, events) {
    this.thickness = 0;
    this.#shown = new StrokeCanvas(canvas);
    this.#events = events;
    new ResizeObserver(() => this.#fit()).observe(canvas);
    this.#listen(canvas);
    this.keyboard = new KeyboardPen(canvas, pen, this);
  }

  /** Whether a stroke is being drawn. */
  get isDrawing() {
    return this.#stroke !== undefined;
  }

  /** Returns the drawing as a PNG. */
  png() {
    return new Promise((resolve) => this.#sent.canvas.toBlob(resolve, "image/png"));
  }

  /** Returns the same PNG as a data URI. */
  dataUri() {
    return this.#sent.canvas.toDataURL("image/png");
  }

  /** Begins a stroke, with a width as a share of the chosen thickness. */
  begin({ x, y }, width = 1) {
    this.end();
    this.#stroke = this.drawing.begin({ x, y, width: width * this.thickness });
    this.#draw(0);
  }

  /** Lengthens the stroke to these places. */
  extend(places) {
    const from = this.#stroke.points.length;
    for (const { x, y, width = 1 } of places) {
      this.drawing.extend(this.#stroke, { x, y, width: width * this.thickness });
    }
    if (this.#stroke.points.length > from) this.#draw(from);
  }

  /** Ends the stroke, if there is one. */
  end() {
    if (!this.isDrawing) return;
    this.#stroke = this.#pointer = undefined;
    this.#events.onPenUp();
  }

  undo() {
    this.#change(() => this.drawing.undo());
  }

  clear() {
    this.#change(() => this.drawing.clear());
  }

  #change(change) {
    this.keyboard.lift();
    this.end();
    change();
    for (const canvas of [this.#shown, this.#sent]) canvas.redraw(this.drawing.strokes);
    this.#events.onInk();
  }

  #draw(from) {
    for (const canvas of [this.#shown, this.#sent]) canvas.draw(this.#stroke, from);
    this.#events.onInk();
  }

  /** Gives the paper as many pixels as the screen has there. */
  #fit() {
    const { canvas } = this.#shown;
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (side === 0 || side === canvas.width) return;
    this.#shown.resize(side);
    this.#shown.redraw(this.drawing.strokes);
  }

  #listen(canvas) {
    canvas.addEventListener("pointerdown", (event) => this.#down(event, canvas));
    canvas.addEventListener("pointermove", (event) => this.#move(event, canvas));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(name, (event) => this.#up(event));
    }
  }

  #down(event, canvas) {
    // A second finger, or the palm beside a pen, draws nothing.
    if (event.button !== 0 || this.#pointer !== undefined) return;
    canvas.setPointerCapture(event.pointerId);
    this.keyboard.lift();
    const { width, ...place } = placeOf(event, canvas);
    this.begin(place, width);
    this.#pointer = event.pointerId;
  }

  #move(event, canvas) {
    if (event.pointerId !== this.#pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    const events = passed.length > 0 ? passed : [event];
    this.extend(events.map((each) => placeOf(each, canvas)));
  }

  #up(event) {
    if (event.pointerId === this.#pointer) this.end();
  }
}

function placeOf({ clientX, clientY, pointerType, pressure }, canvas) {
  const { left, top, width: side } = canvas.getBoundingClientRect();
  const width = pointerType === "pen" && pressure > 0 ? LIGHTEST + PRESSURE * pressure : 1;
  return { x: (clientX - left) / side, y: (clientY - top) / side, width };
}
