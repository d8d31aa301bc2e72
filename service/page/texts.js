// What the page says, in the language that the service chose for this browser.

const texts = JSON.parse(document.getElementById("texts").textContent);

export const language = document.documentElement.lang;

const plurals = new Intl.PluralRules(language);
const conjunction = new Intl.ListFormat(language, { type: "conjunction" });

/**
 * Returns a text of the page.
 *
 * Names in braces are replaced by the values of that name. A text that differs for one and for many
 * stands twice, under names that end in `.one` and `.other`; the value `count` decides.
 */
export function text(name, values = {}) {
  const found = texts[name] ?? texts[`${name}.${plurals.select(values.count)}`] ?? texts[`${name}.other`];
  if (found === undefined) throw new Error(`The page has no text ${name}.`);
  return found.replace(/\{(\w+)\}/g, (_, key) => shown(values[key]));
}

const shown = (value) => (typeof value === "number" ? number(value) : String(value));

const formats = new Map();

/** Writes a number; the options are those of `Intl.NumberFormat`, of which making one takes long. */
function formatted(value, options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language, options));
  return formats.get(key).format(value);
}

/** Writes a number with at most this many digits after the decimal mark. */
export function number(value, digits = 3) {
  return formatted(value, { maximumFractionDigits: digits });
}

/** Writes a number of any size with this many significant digits. */
export function significant(value, digits = 4) {
  return formatted(value, { maximumSignificantDigits: digits });
}

const LEAST_WHOLE = 1000;

/** Writes a value of any size: one of four digits or more as a whole number. */
export const amount = (value) =>
  Math.abs(value) >= LEAST_WHOLE && Math.abs(value) < 1e15 ? number(value, 0) : significant(value);

/** Writes a value with its unit, where it has one. */
export const withUnit = (value, unit) => (unit ? `${amount(value)} ${unit}` : amount(value));

/** Writes a difference with its sign; the options are those of `Intl.NumberFormat`. */
export function signed(value, options) {
  return formatted(value, { signDisplay: "exceptZero", ...options });
}

/** Writes a share of one as a percentage. */
export function percent(value, digits = 1) {
  return formatted(value, { style: "percent", maximumFractionDigits: digits });
}

/**
 * Writes a probability: one that is nearly 0 or 1 is not shown as if it were.
 *
 * A network never knows for certain. Where it answers 0 or 1, its numbers have no more digits.
 */
export function probability(value) {
  if (value < 0.001) return `<\u00a0${percent(0.001)}`;
  if (value > 0.999) return `>\u00a0${percent(0.999)}`;
  return percent(value);
}

/** Writes a moment, given in ISO 8601. */
export function moment(iso) {
  const options = { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(language, options).format(new Date(iso));
}

/** Writes the time of day of a moment, given in seconds since 1970. */
export function clock(seconds) {
  return new Intl.DateTimeFormat(language, { timeStyle: "medium" }).format(1000 * seconds);
}

/** Joins texts as a list: "a, b and c"; of very many, the first: "a, b and 7 more". */
export function list(items, most = Infinity) {
  const count = items.length - most;
  const shown = count < 2 ? items : [...items.slice(0, most), text("frame.more", { count })];
  return conjunction.format(shown);
}
