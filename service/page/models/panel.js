// The panel of models: what is served, how good it is, and how it can be changed.

import { versionPath } from "../catalogue.js";
import { CurlView, curlLine } from "../curl.js";
import { byId, make } from "../dom.js";
import { text } from "../texts.js";
import { readAddress } from "./address.js";
import { CARD, showCard } from "./card.js";
import { answerText, ChangeDialog } from "./change.js";
import { otherVersion, showComparison } from "./compare.js";
import { showDrift } from "./drift.js";
import { modelList, refusals, taskName, versionList, viewLinks } from "./list.js";
import { showOverview } from "./overview.js";
import { Report } from "./report.js";
import { showServing } from "./serving.js";

const SHOW = { overview: showOverview, card: showCard, drift: showDrift, compare: showComparison, serving: showServing };
/** What a view asks for, below the path of its version; other views ask for the version itself. */
const ASKED = { card: `/report/${CARD}`, drift: "/drift" };

export async function open(section, { service, catalogue }) {
  const panel = new ModelsPanel(section, service, catalogue);
  addEventListener("hashchange", () => panel.follow());
  await panel.show();
  return panel;
}

class ModelsPanel {
  #service;
  #catalogue;
  #list;
  #shown;
  #outcome;
  #curl;
  #dialog;
  #isHidden = true;
  #turn = 0;
  #reports = [];

  constructor(section, service, catalogue) {
    this.#service = service;
    this.#catalogue = catalogue;
    this.#list = section.querySelector(".models-list");
    this.#shown = section.querySelector(".models-shown");
    this.#outcome = byId("models-outcome");
    this.#curl = new CurlView(byId("models-curl"));
    this.#dialog = new ChangeDialog(section, service);
  }

  /** Shows what is served now: it may have changed while the panel was hidden. */
  show() {
    if (!this.#isHidden) return undefined; // it has just been opened
    this.#isHidden = false;
    this.#catalogue.forget();
    return this.#render();
  }

  hide() {
    this.#isHidden = true;
    this.#leave();
  }

  /** Shows what the address names, while the panel is shown. */
  follow() {
    if (this.#isHidden || !/^#models(\/|$)/.test(location.hash)) return;
    this.#leave();
    this.#render();
  }

  #leave() {
    this.#dialog.close();
    this.#say();
  }

  #say(sentence = "") {
    this.#outcome.textContent = sentence;
    this.#outcome.hidden = sentence === "";
  }

  /** Shows the list and the chosen version; what a later call shows is not written over. */
  async #render() {
    const turn = ++this.#turn;
    const reports = [];
    this.#shown.ariaBusy = "true";
    const made = await this.#make(readAddress(location.hash), reports);
    if (turn !== this.#turn) return reports.forEach((report) => report.close());
    this.#reports.forEach((report) => report.close());
    this.#reports = reports;
    keepingFocus(() => {
      this.#list.replaceChildren(modelList(made.models, made.chosen));
      this.#shown.replaceChildren(...made.parts);
    });
    this.#shown.ariaBusy = "false";
    this.#curl.set(made.line);
  }

  async #make(address, reports) {
    try {
      const models = await this.#models();
      const chosen = address.name ?? models[0]?.name;
      const detail = chosen === undefined ? none() : await this.#detail({ ...address, name: chosen }, reports);
      return { models, chosen, ...detail };
    } catch (error) {
      return { models: [], parts: [refusal(error)], line: curlLine(this.#service, "models") };
    }
  }

  /** Lists the models with how each is served; one that cannot be described is listed without that. */
  async #models() {
    const models = await this.#catalogue.list();
    return Promise.all(
      models.map(async (model) => {
        const described = await this.#catalogue.describe(model.name).catch(() => undefined);
        return { ...model, serving: described?.description.serving };
      }),
    );
  }

  async #detail(address, reports) {
    try {
      const base = await this.#catalogue.describe(address.name);
      const model = await this.#catalogue.describe(base.name, address.version ?? base.version);
      const parts = await this.#parts(model, address, reports);
      return { parts: [...header(model, address), ...parts], line: this.#line(model, address) };
    } catch (error) {
      return { parts: [title(address.name), refusal(error)], line: curlLine(this.#service, versionPath(address.name, address.version)) };
    }
  }

  #line(model, address) {
    const { name, path } = model;
    if (address.view === "serving") return curlLine(this.#service, versionPath(name));
    const other = address.view === "compare" ? otherVersion(model, address) : undefined;
    const options = other === undefined ? [] : [this.#service.url(versionPath(name, other)).href];
    return curlLine(this.#service, path + (ASKED[address.view] ?? ""), { options });
  }

  async #parts(model, address, reports) {
    const newReport = async (of) => {
      const report = new Report(this.#service, of);
      reports.push(report);
      return report.open();
    };
    try {
      return await SHOW[address.view]({
        service: this.#service,
        catalogue: this.#catalogue,
        model,
        address,
        report: await newReport(model),
        newReport,
        again: () => this.#render(),
        change: (sentence, request) => this.#change(sentence, request),
      });
    } catch (error) {
      return [refusal(error)];
    }
  }

  /** Asks whether to change what is served; if it was changed, shows it everywhere. */
  async #change(sentence, request) {
    const answer = await this.#dialog.ask(sentence, request);
    if (answer === undefined) return;
    this.#catalogue.forget();
    await this.#render();
    this.#say(answerText(answer));
    this.#outcome.focus();
  }
}

function header(model, address) {
  const { serving } = model.description;
  return [
    title(model.name, taskName(model.task)),
    versionList(model, address, model.version),
    ...refusals(serving),
    viewLinks(model, address.view),
  ];
}

function title(name, task) {
  const about = task ? make("span", { class: "soft" }, task) : undefined;
  return make("header", { class: "models-title" }, make("h2", { id: "models-name" }, name), about);
}

const none = () => ({ parts: [title(text("models.none")), make("p", { class: "notice" }, text("models.no_models"))], line: "" });

const refusal = (error) => make("p", { class: "notice bad", role: "alert" }, error.message);

/** Changes the panel, and lets what takes the place of the focused element have the focus. */
function keepingFocus(change) {
  const focused = document.activeElement;
  const selector = selectorOf(focused);
  change();
  if (!focused.isConnected) document.querySelector(selector)?.focus({ preventScroll: true });
}

function selectorOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const list = element.closest("nav")?.className.split(" ")[0];
  return `#models .${list} a[href="${CSS.escape(element.getAttribute("href"))}"]`;
}
