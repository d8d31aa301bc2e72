// What the address of the page says to this panel: #models/NAME/VERSION/VIEW/OTHER.
//
// Each part may be left out together with those after it: the first model, its default version and
// the overview are shown then. OTHER is the version that VERSION is compared with.

export const VIEWS = ["overview", "card", "drift", "compare", "serving"];

/** Reads an address; parts that it lacks are undefined. */
export function readAddress(hash) {
  const [, name, version, view, other] = hash.slice(1).split("/").map(decoded);
  return { name, version: whole(version), view: VIEWS.includes(view) ? view : VIEWS[0], other: whole(other) };
}

/** Writes an address that a link can have. */
export function writeAddress({ name, version, view = VIEWS[0], other }) {
  const parts = [name, version, view === VIEWS[0] ? undefined : view, other];
  const known = parts.slice(0, parts.includes(undefined) ? parts.indexOf(undefined) : parts.length);
  return ["#models", ...known.map(encodeURIComponent)].join("/");
}

function decoded(part) {
  try {
    return decodeURIComponent(part) || undefined;
  } catch {
    return part; // a broken address names nothing that is served
  }
}

const whole = (part) => (/^\d+$/.test(part ?? "") ? Number(part) : undefined);
