// The line of curl that asks about the chosen pictures.

import { curlLine } from "../curl.js";

const MOST_FILES = 3;
const EXAMPLE = "picture.png";

/** How many of the pictures the line leaves out. */
export const leftOut = (count) => Math.max(0, count - MOST_FILES);

export function picturesLine(service, pictures, { model, coverage }) {
  const names = pictures.length > 0 ? pictures.slice(0, MOST_FILES).map(({ name }) => name) : [EXAMPLE];
  const options = names.flatMap((name, index) => ["-F", `${"abc"[index]}=@${escaped(name)}`]);
  return curlLine(service, `${model.path}/predict`, { query: { coverage, errors: "report" }, options });
}

/** In the words of -F, a comma and a semicolon separate; between quotation marks they do not. */
const escaped = (name) => (/[,;"\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name);
