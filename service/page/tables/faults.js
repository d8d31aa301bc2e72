// What the service says is wrong with a row, taken apart into the cells that it is about.

const HEAD = /(?:^|\. )Line (\d+)(?:, column ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))?: /g;
const MORE = / This row has (\d+) more faults\.$/;
const SHOWN_CHARACTERS = 40;

/** Finds the faults of rows of one answer. */
export class FaultReader {
  #indices;

  /** @param {string[]} names Names of the columns of the file. */
  constructor(names) {
    const pairs = names.map((name, index) => [quotedName(name), index]);
    this.#indices = new Map(pairs.reverse()); // of names that look alike, the first one
  }

  /**
   * Takes a text of the column `error` apart.
   *
   * @returns {{faults: {line, column, detail}[], count: number}} `column` is an index; it is
   *     undefined where the fault is one of the whole row. The service does not list every fault of
   *     a row with many, but `count` counts them.
   */
  read(error) {
    const more = MORE.exec(error);
    const listed = more ? error.slice(0, more.index) : error;
    const heads = [...listed.matchAll(HEAD)].filter(({ 2: name }) => !name || this.#indices.has(name));
    const faults = heads.map((head, index) => this.#fault(listed, head, heads[index + 1]));
    if (faults.length === 0) faults.push({ detail: error });
    return { faults, count: faults.length + Number(more?.[1] ?? 0) };
  }

  #fault(text, head, next) {
    const start = head.index + (head[0].startsWith(". ") ? 2 : 0);
    const end = next ? next.index + 1 : text.length;
    return { line: Number(head[1]), column: this.#indices.get(head[2]), detail: text.slice(start, end) };
  }
}

/** Writes a name as the service does: as Python's `repr`, cut to 40 characters. */
export function quotedName(name) {
  const characters = [...name];
  const isLong = characters.length > SHOWN_CHARACTERS;
  const cut = isLong ? `${characters.slice(0, SHOWN_CHARACTERS - 1).join("")}…` : name;
  const quote = cut.includes("'") && !cut.includes('"') ? '"' : "'";
  return quote + [...cut].map((each) => escaped(each, quote)).join("") + quote;
}

const SHORT_ESCAPES = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escaped(character, quote) {
  if (character === quote) return `\\${quote}`;
  if (character in SHORT_ESCAPES) return SHORT_ESCAPES[character];
  if (character === " " || !/[\p{C}\p{Z}]/u.test(character)) return character;
  const code = character.codePointAt(0).toString(16);
  if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
  return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
}
