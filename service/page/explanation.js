// What a model saw of a picture, what was done to it before, and the ink that decided.

import { make } from "./dom.js";
import { text } from "./texts.js";

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

/** Names a step; one that this page does not know keeps the name that the service gives it. */
export const stepName = (step) => (step in STEPS ? text(`explanation.step_${STEPS[step]}`) : step);

/** Returns the pixels of what the model saw of a picture, and of the same with what decided in colour. */
export async function explainedPixels({ image, saliency }) {
  const [seen, decisive] = await Promise.all([image, saliency].map(pixelsOf));
  return [seen, overlaid(seen, decisive)];
}

/** Returns the pixels of a picture that is a data URI. */
async function pixelsOf(uri) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  const { naturalWidth: width, naturalHeight: height } = image;
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height);
}

/** Shows pixels on a canvas, which becomes as large as they are. */
export function paint(canvas, pixels) {
  if (canvas.width !== pixels.width) canvas.width = pixels.width;
  if (canvas.height !== pixels.height) canvas.height = pixels.height;
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** Returns a picture in faint grey, and over it what decided, in colour. */
function overlaid(image, saliency) {
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
