// What a version takes, and what it knows of each input from its training.

import { make } from "../dom.js";
import { language, list, significant, text } from "../texts.js";
import { card, table } from "./elements.js";

// A longer vocabulary is folded.
const MANY_WORDS = 12;
const DAY_MILLISECONDS = 86_400_000;

/** Shows the inputs with the ranges and vocabularies of the training data. */
export function showInputs({ picture, columns }) {
  if (picture) return card(text("models.inputs"), make("p", {}, pictureText(picture)));
  const seenHead = make("div", { class: "models-seen" }, text("models.seen"));
  const head = [text("models.input"), seenHead, text("models.median"), text("models.blanks")];
  const rows = columns.map((column) => [
    column.name,
    make("div", { class: "models-seen" }, seen(column)),
    middle(column),
    column.blanks ? text("models.yes") : text("models.no"),
  ]);
  return card(text("models.inputs"), table(text("models.inputs"), head, rows));
}

function pictureText({ shape: [height, width, channels] }) {
  const size = { width, height };
  return channels === 1 ? text("models.grey_picture", size) : text("models.colour_picture", size);
}

function seen(column) {
  if (column.vocabulary) return words(column.vocabulary);
  if (column.minimum === null) return text("models.never_seen");
  const [from, to] = [column.minimum, column.maximum].map((value) => written(column, value));
  return text("models.range", { from, to, unit: column.unit ?? "" }).trim();
}

const middle = (column) => (typeof column.median === "number" ? written(column, column.median) : "");

function written({ kind }, value) {
  if (kind !== "date") return significant(value, 6);
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }).format(value * DAY_MILLISECONDS);
}

/** Shows a vocabulary, or how many words it has and then all of them. */
export function words(vocabulary) {
  if (vocabulary.length <= MANY_WORDS) return list(vocabulary);
  const summary = make("summary", {}, text("models.words", { count: vocabulary.length }));
  return make("details", {}, summary, list(vocabulary));
}
