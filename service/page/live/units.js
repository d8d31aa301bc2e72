// Numbers with their units, as short as they can be.

import { language, significant, text } from "../texts.js";

/** What stands where there is no number: nothing was asked, or nothing has been read yet. */
export const NOTHING = "–";

const BYTES = ["kilobyte", "megabyte", "gigabyte", "terabyte"];

function inUnit(value, unit, digits) {
  const options = { style: "unit", unit, unitDisplay: "short", ...digits };
  return new Intl.NumberFormat(language, options).format(value);
}

/** Writes a time with two digits: an estimate has no more. */
export function duration(seconds) {
  const digits = { maximumSignificantDigits: 2 };
  const isShort = seconds < 1;
  return inUnit(isShort ? seconds * 1000 : seconds, isShort ? "millisecond" : "second", digits);
}

/** Writes an estimate that `quantile` made. */
export function estimate(quantile) {
  if (quantile === undefined) return NOTHING;
  const shown = duration(quantile.value);
  return quantile.isMore ? text("live.more_than", { shown }) : shown;
}

/** Writes a number of events in a second. */
export function rate(value) {
  return value === undefined ? NOTHING : significant(value, 3);
}

/** Writes an amount of memory, in thousands of bytes or more. */
export function memory(bytes) {
  const power = Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 1);
  const unit = BYTES[Math.min(power, BYTES.length) - 1];
  return inUnit(bytes / 1000 ** (BYTES.indexOf(unit) + 1), unit, { maximumFractionDigits: 1 });
}
