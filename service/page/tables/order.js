// The order in which rows are shown.

/**
 * Returns the numbers of rows in the order of their keys; those whose key is NaN come last.
 *
 * @param {ArrayLike<number>} keys One for each row.
 */
export function ordered(keys, isDescending) {
  const sign = isDescending ? -1 : 1;
  return Uint32Array.from({ length: keys.length }, (_, index) => index).sort((a, b) => {
    const [x, y] = [keys[a], keys[b]];
    if (x === y) return a - b;
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
    return sign * (x - y);
  });
}

/**
 * Gives texts keys that are in the order of the texts; an empty text has the key NaN.
 *
 * @param {string[]} texts
 * @param {function(string): number} read Reads a number; most texts of a column of numbers are one.
 */
export function keysOf(texts, read) {
  const numbers = Float64Array.from(texts, read);
  const filled = texts.filter((text) => text !== "").length;
  const readable = numbers.filter((number) => !Number.isNaN(number)).length;
  return readable * 2 > filled ? numbers : ranks(texts);
}

function ranks(texts) {
  const { compare } = new Intl.Collator();
  const distinct = [...new Set(texts)].filter((text) => text !== "").sort(compare);
  const ranksByText = new Map(distinct.map((text, rank) => [text, rank]));
  return Float64Array.from(texts, (text) => ranksByText.get(text) ?? NaN);
}
