// What was drawn: strokes of points, with everything that can be undone.

// Points closer than this share of the paper's side show nothing new.
const LEAST_STEP = 0.003;

/**
 * Strokes on a square paper whose sides are 1 long.
 *
 * A stroke is {points}, and a point is {x, y, width}. A finished stroke never changes, so that a
 * list of strokes is all that must be kept to go back to it.
 */
export class Drawing {
  strokes = [];

  #before = [];

  get isEmpty() {
    return this.strokes.length === 0;
  }

  get canUndo() {
    return this.#before.length > 0;
  }

  /** Begins a stroke, and returns it. */
  begin(point) {
    const stroke = { points: [point] };
    this.#replace([...this.strokes, stroke]);
    return stroke;
  }

  /** Lengthens a stroke; says whether the point was far enough from the last one. */
  extend(stroke, point) {
    const last = stroke.points.at(-1);
    if (Math.hypot(point.x - last.x, point.y - last.y) < LEAST_STEP) return false;
    stroke.points.push(point);
    return true;
  }

  /** Removes all strokes; `undo` brings them back. */
  clear() {
    if (!this.isEmpty) this.#replace([]);
  }

  /** Goes back to what was before the last stroke, or before all was cleared. */
  undo() {
    if (this.canUndo) this.strokes = this.#before.pop();
  }

  #replace(strokes) {
    this.#before.push(this.strokes);
    this.strokes = strokes;
  }
}
