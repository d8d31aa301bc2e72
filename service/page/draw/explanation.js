// What the model saw of a drawing, and the ink that decided.

import { byId, make } from "../dom.js";
import { text } from "../texts.js";

// The steps that the service names, by what it calls them.
const STEPS = {
  inverted: "inverted",
  cropped: "cropped",
  "strokes thickened": "thickened",
  "strokes thinned": "thinned",
  "specks removed": "specks",
  "background removed": "background",
  "background evened": "evened",
  "frame removed": "frame",
  "ruled lines removed": "lines",
  "made grey": "grey",
  "grey taken for colour": "colour",
  "made opaque": "opaque",
  "turned upright": "upright",
  sharpened: "sharpened",
  shrunk: "shrunk",
  enlarged: "enlarged",
  padded: "padded",
  "no ink found: taken whole": "whole",
  "nothing found: taken whole": "whole",
};
// Both pictures are dark in every theme, and so is what is drawn over them.
const DECISIVE = [120, 160, 255];
const OTHER_INK = 0.35;

export class Explanation {
  #card = byId("draw-explanation");
  #seen = byId("draw-seen");
  #decided = byId("draw-decided");
  #newest = 0;
  #steps;

  clear() {
    this.#newest++;
    for (const canvas of [this.#seen, this.#decided]) {
      canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    }
    this.#showSteps([]);
    this.isOld = false;
  }

  /** Whether what is shown belongs to an earlier state of the drawing. */
  set isOld(isOld) {
    this.#card.classList.toggle("old", isOld);
  }

  /** Shows the explanation of a prediction. */
  async show({ image, saliency, steps }) {
    const number = ++this.#newest;
    const pictures = await Promise.all([image, saliency].map(pixelsOf));
    if (number !== this.#newest) return;
    paint(this.#seen, pictures[0]);
    paint(this.#decided, overlaid(...pictures));
    this.#showSteps(steps);
    this.isOld = false;
  }

  #showSteps(steps) {
    if (steps.join() === this.#steps) return;
    this.#steps = steps.join();
    byId("draw-steps").replaceChildren(...steps.map((step) => make("li", {}, stepName(step))));
    byId("draw-steps-part").hidden = steps.length === 0;
  }
}

/** Names a step; one that this page does not know keeps the name that the service gives it. */
export const stepName = (step) => (step in STEPS ? text(`draw.step_${STEPS[step]}`) : step);

/** Returns the pixels of a picture that is a data URI. */
export async function pixelsOf(uri) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  const { naturalWidth: width, naturalHeight: height } = image;
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height);
}

export function paint(canvas, pixels) {
  if (canvas.width !== pixels.width) canvas.width = pixels.width;
  if (canvas.height !== pixels.height) canvas.height = pixels.height;
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** Returns a picture in faint grey, and over it what decided, in colour. */
export function overlaid(image, saliency) {
  const result = new ImageData(image.width, image.height);
  for (let index = 0; index < result.data.length; index += 4) {
    const [red, green, blue] = image.data.subarray(index, index + 3);
    const grey = (OTHER_INK * (red + green + blue)) / 3;
    const share = saliency.data[index] / 255;
    for (const [channel, level] of DECISIVE.entries()) {
      result.data[index + channel] = grey + share * (level - grey);
    }
    result.data[index + 3] = 255;
  }
  return result;
}
