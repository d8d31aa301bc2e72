// Fields of the form: one for each column of the model, which begins with what is usual in training.

import { make } from "../dom.js";
import { amount, text, withUnit } from "../texts.js";
import { decimalText, gridOf, isoDate, isoMoment } from "./ranges.js";

/**
 * Makes the field of a column.
 *
 * @param {object} column As the signature describes it.
 * @param {function(): void} onChange Is called when its value changes.
 * @returns {{name, element, value: function(): (number | string | null)}} A value that is null is missing.
 */
export function makeField(column, onChange) {
  const { element, value } = KINDS[column.kind](column, onChange);
  element.dataset.name = column.name;
  return { name: column.name, element, value };
}

const KINDS = { number: numberField, date: dateField, category: categoryField };

let made = 0;
const newId = () => `tables-field-${(made += 1)}`;

function labelled(column, id, ...controls) {
  const unit = column.unit ? make("span", { class: "soft" }, ` (${column.unit})`) : undefined;
  return make("div", { class: "field" }, make("label", { for: id }, column.name, unit), ...controls);
}

function numberField(column, onChange) {
  const { minimum, maximum, median, name } = column;
  const [id, hintId] = [newId(), newId()];
  const first = median === null ? "" : decimalText(median);
  const attributes = { inputmode: "decimal", placeholder: text("tables.missing"), "aria-describedby": hintId };
  const input = make("input", { type: "number", step: "any", id, value: first, ...attributes });
  const hint = make("span", { class: "hint", id: hintId }, rangeText(minimum, maximum, (value) => amount(value)));
  const slider = sliderOf(column, input, onChange);
  const element = labelled(column, id, make("div", { class: "pair" }, slider, input), hint);
  const onInput = () => {
    if (input.validity.badInput) return; // half of a number, such as "1e"
    const value = input.value === "" ? undefined : Number(input.value);
    element.classList.toggle("beyond", minimum !== null && (value < minimum || value > maximum));
    if (slider && value !== undefined) showOnSlider(slider, value, column);
    onChange();
  };
  input.addEventListener("input", onInput);
  slider?.setAttribute("aria-label", text("tables.slider", { name }));
  return { element, value: () => (input.value === "" ? null : Number(input.value)) };
}

function rangeText(minimum, maximum, write) {
  return minimum === null ? "" : text("tables.in_training", { minimum: write(minimum), maximum: write(maximum) });
}

/** Makes a slider over the range of the training data, which moves the field of the number. */
function sliderOf(column, input, onChange) {
  const { low, high, step } = gridOf(column);
  if (!step) return undefined;
  const slider = make("input", { type: "range", min: low, max: high, step });
  showOnSlider(slider, Number(input.value), column);
  slider.addEventListener("input", () => {
    const value = Number(Number(slider.value).toPrecision(12));
    input.value = decimalText(Math.min(Math.max(value, column.minimum), column.maximum));
    slider.closest(".field").classList.remove("beyond");
    showValue(slider, Number(input.value), column);
    onChange();
  });
  return slider;
}

function showOnSlider(slider, value, column) {
  slider.value = value;
  showValue(slider, value, column);
}

const showValue = (slider, value, { unit }) => slider.setAttribute("aria-valuetext", withUnit(value, unit));

function dateField(column, onChange) {
  const { format, minimum, maximum, median } = column;
  const hasTime = /%[HI]/.test(format);
  const write = hasTime ? isoMoment : isoDate;
  const id = newId();
  const input = make("input", { type: hasTime ? "datetime-local" : "date", id, value: median === null ? "" : write(median) });
  input.addEventListener("input", onChange);
  const hint = make("span", { class: "hint" }, rangeText(minimum, maximum, (days) => write(days).replace("T", " ")));
  return { element: labelled(column, id, input, hint), value: () => input.value || null };
}

function categoryField(column, onChange) {
  const id = newId();
  const options = column.vocabulary.map((word) => make("option", { value: word, "data-is-known": "" }, word));
  if (column.blanks || options.length === 0) options.push(make("option", { value: "" }, text("tables.missing")));
  const select = make("select", { id }, ...options);
  select.addEventListener("input", onChange);
  const value = () => ("isKnown" in select.selectedOptions[0].dataset ? select.value : null);
  return { element: labelled(column, id, select), value };
}
