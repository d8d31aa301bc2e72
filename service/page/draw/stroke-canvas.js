// Ink on a canvas.

const INK = "#161616"; // grey levels alone: the picture that is sent has no colour
const PAPER = "#ffffff";

/** A square canvas that strokes are drawn on; what is there already is not drawn again. */
export class StrokeCanvas {
  #context;

  /** @param {HTMLCanvasElement} canvas It has as many rows as columns. */
  constructor(canvas) {
    this.canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.redraw([]);
  }

  /** Changes the number of pixels of each side; it is empty then. */
  resize(side) {
    this.canvas.width = this.canvas.height = side;
  }

  /** Draws these strokes, and nothing else. */
  redraw(strokes) {
    const { width, height } = this.canvas;
    this.#context.fillStyle = PAPER;
    this.#context.fillRect(0, 0, width, height);
    for (const stroke of strokes) this.draw(stroke);
  }

  /** Draws a stroke from one of its points on: curves that pass between the points. */
  draw({ points }, from = 0) {
    const context = this.#context;
    const side = this.canvas.width;
    context.setTransform(side, 0, 0, side, 0, 0);
    context.strokeStyle = context.fillStyle = INK;
    context.lineCap = "round";
    for (let index = from; index < points.length; index++) drawPart(context, points, index);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }
}

/** Draws what a point adds to a stroke: a curve around the point before it, and the way to it. */
function drawPart(context, points, index) {
  const point = points[index];
  context.beginPath();
  if (index === 0) {
    context.arc(point.x, point.y, point.width / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  const before = points[index - 1];
  const start = index === 1 ? before : between(points[index - 2], before);
  const middle = between(before, point);
  context.lineWidth = (before.width + point.width) / 2;
  context.moveTo(start.x, start.y);
  context.quadraticCurveTo(before.x, before.y, middle.x, middle.y);
  context.lineTo(point.x, point.y);
  context.stroke();
}

const between = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
