// How numbers of tables are written for people.

import { language, significant } from "../texts.js";

const LEAST_WHOLE = 1000;

/** Writes a number: one of four digits or more as a whole number. */
export const amount = (value) =>
  Math.abs(value) >= LEAST_WHOLE && Math.abs(value) < 1e15
    ? new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(value)
    : significant(value);

/** Writes a number with its unit, where it has one. */
export const withUnit = (value, unit) => (unit ? `${amount(value)} ${unit}` : amount(value));

/** Writes a difference with its sign. */
export function signed(value) {
  const text = amount(Math.abs(value));
  if (value === 0) return text;
  return value > 0 ? `+${text}` : `\u2212${text}`;
}
