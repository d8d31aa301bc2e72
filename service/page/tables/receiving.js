// The ways in which a file comes to the page: dropped, chosen, pasted, or made up as an example.

import { text } from "../texts.js";

/**
 * Hands over each file that comes to a panel.
 *
 * @param {HTMLElement} section The panel; a file may be dropped anywhere on it.
 * @param {object} parts Elements: `drop`, `choose`, `input`, `pasted`, `usePasted`, `example`.
 * @param {object} options
 *   isShown(): says whether the panel takes files now; onFile(file, others): is called with
 *     each, and with the number of files that came with it; example(): returns an example.
 */
export function receiveFiles(section, parts, { isShown, onFile, example }) {
  const takeText = (content) => onFile(new File([content], text("tables.pasted_name"), { type: "text/csv" }));
  receiveDrops(section, parts.drop, { isShown, onFile, takeText });
  parts.choose.addEventListener("click", () => parts.input.click());
  parts.input.addEventListener("change", () => {
    if (parts.input.files.length > 0) onFile(parts.input.files[0]);
    parts.input.value = ""; // the same file may be chosen again
  });
  parts.usePasted.addEventListener("click", () => takeText(parts.pasted.value));
  parts.example.addEventListener("click", () => onFile(example()));
  addEventListener("paste", (event) => {
    if (!isShown() || event.target.closest("input, textarea, select")) return;
    takeTransfer(event.clipboardData, { onFile, takeText });
  });
}

function receiveDrops(section, drop, { isShown, onFile, takeText }) {
  section.addEventListener("dragover", (event) => {
    if (!isShown()) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  section.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!section.contains(relatedTarget)) drop.classList.remove("over");
  });
  section.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (!isShown()) return;
    event.preventDefault();
    takeTransfer(event.dataTransfer, { onFile, takeText });
  });
}

function takeTransfer(transfer, { onFile, takeText }) {
  const content = transfer.getData("text/plain");
  const [file, ...others] = transfer.files;
  if (file) onFile(file, others.length);
  else if (content.trim()) takeText(content);
}
