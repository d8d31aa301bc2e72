// The frame of the page: it shows one panel at a time, named by the address, and asks for the API key.
//
// A panel is a folder: `panel.html` is its content, `panel.css` its style and `panel.js` its script. Style
// and script are loaded when the panel is first shown. The script exports
//
//   open(section, context)  builds the panel once; it may return {show(), hide()}, which are called
//                           whenever the panel is shown or hidden after that.
//
// The context holds `service` (service.js) and `catalogue` (catalogue.js).
//
// A panel imports nothing from the folder of another one. What several panels share stands beside this
// file if the first panel needs it, because the browser loads all of that at once; charts are in
// `charts/`, and what reads and writes files in `files/`.

import { Catalogue } from "./catalogue.js";
import { addStyle, byId } from "./dom.js";
import { Problem, Service } from "./service.js";
import { text } from "./texts.js";

const PANELS = ["draw", "pictures", "tables", "models", "live"];

const service = new Service();
const catalogue = new Catalogue(service);
const opened = new Map();
let shown;

/** Shows the panel that the address names, or the first one. */
async function showPanel() {
  const wanted = location.hash.slice(1).split("/")[0];
  const isPanel = PANELS.includes(wanted);
  if (wanted && !isPanel && shown) return; // a link within the page
  const panel = isPanel ? wanted : PANELS[0];
  keepPlace(isPanel ? location.hash : panel);
  if (panel === shown) return;
  const before = shown;
  shown = panel;
  mark(panel);
  byId("trouble").hidden = true;
  opened.get(before)?.then((parts) => parts?.hide?.());
  await reveal(panel);
  if (!opened.has(panel)) opened.set(panel, open(panel));
  const parts = await opened.get(panel);
  if (shown === panel) parts?.show?.();
}

/** Lets the other language show the same place of the page. */
function keepPlace(hash) {
  for (const link of document.querySelectorAll("[data-keeps-panel]")) link.hash = hash;
}

/** Shows the content of a panel as soon as its style is there. */
async function reveal(panel) {
  await addStyle(`${panel}/panel.css`);
  if (shown === panel) byId(panel).hidden = false;
}

function mark(panel) {
  for (const each of PANELS) if (each !== panel) hide(byId(each));
  for (const link of document.querySelectorAll(".panels a")) {
    const isShown = link.hash === `#${panel}`;
    if (isShown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${text(`frame.${panel}`)} · Vitrine`;
}

/** Hides a panel. A dialog that stayed open in it would be unseen, and would block the whole page. */
function hide(section) {
  for (const dialog of section.querySelectorAll("dialog[open]")) dialog.close();
  section.hidden = true;
}

async function open(panel) {
  const section = byId(panel);
  section.ariaBusy = "true";
  try {
    const module = await import(`./${panel}/panel.js`);
    return await module.open(section, { service, catalogue });
  } catch (error) {
    opened.delete(panel); // another visit tries again
    showTrouble(error);
    return undefined;
  } finally {
    section.ariaBusy = "false";
  }
}

/** Shows an error that no panel has shown. */
function showTrouble(error) {
  const place = byId("trouble");
  const reason = error?.message ?? error;
  place.textContent = error instanceof Problem ? reason : text("frame.broken", { reason });
  place.hidden = false;
}

const dialog = byId("key-dialog");

/** Asks for a key; whoever waits for one goes on when the dialog is closed. */
function askForKey(isWrong) {
  byId("key-reason").textContent = isWrong ? text("frame.key_wrong") : text("frame.key_needed");
  byId("key").value = "";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

dialog.querySelector("form").addEventListener("submit", () => {
  dialog.returnValue = byId("key").value.trim();
});
dialog.addEventListener("cancel", () => (dialog.returnValue = ""));
byId("key-cancel").addEventListener("click", () => dialog.close(""));
service.onKeyNeeded = askForKey;

if (JSON.parse(document.documentElement.dataset.needsKey)) {
  const change = byId("change-key");
  change.hidden = false;
  change.addEventListener("click", async () => {
    const key = await askForKey(false);
    if (!key) return;
    service.setKey(key);
    location.reload(); // nothing of the other key's answers stays
  });
}

addEventListener("hashchange", showPanel);
addEventListener("unhandledrejection", ({ reason }) => {
  if (reason?.name !== "AbortError") showTrouble(reason);
});
showPanel();
