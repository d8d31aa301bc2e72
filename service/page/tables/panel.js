// Predicts on tables: on a file, or on one row that a form describes.

import { CoverageSlider } from "../coverage.js";
import { CurlView } from "../curl.js";
import { byId } from "../dom.js";
import { fillModelMenu } from "../model-menu.js";
import { text } from "../texts.js";
import { exampleTable } from "./example.js";
import { FileView } from "./file.js";
import { Form } from "./form.js";
import { receiveFiles } from "./receiving.js";
import { Tabs } from "./tabs.js";

const FILE_PARTS = [
  ...["drop", "single", "state", "file", "counts", "stop", "again", "download", "status", "problem", "ignored", "results", "grid"],
  ...["chartCard", "chart", "labelChart", "chartAbout", "chartText", "faults", "faultTitle", "faultList", "faultMore"],
  ...["row", "rowTitle", "rowResult", "rowWhy"],
];
const FORM_PARTS = ["fields", "find", "result", "contributions", "formStatus"];
const RECEIVING_PARTS = ["drop", "choose", "input", "pasted", "usePasted", "example"];

// It stays when the models could not be listed and the panel is opened again.
let panel;

export async function open(section, { service, catalogue }) {
  panel ??= new TablesPanel(section, service);
  await panel.begin(catalogue);
}

class TablesPanel {
  #section;
  #views;
  #shown;
  #model;
  #tabs;
  #coverage;
  #curl = new CurlView(byId("tables-curl"));

  constructor(section, service) {
    const onChange = () => this.#showCurl();
    const file = new FileView(service, parts(FILE_PARTS), onChange);
    const form = new Form(service, parts(FORM_PARTS), onChange);
    this.#section = section;
    this.#views = { file, form };
    this.#shown = file;
    this.#tabs = new Tabs(byId("tables-tabs"), (name) => this.#showView(name));
    const [slider, value] = [byId("tables-coverage"), byId("tables-coverage-value")];
    this.#coverage = new CoverageSlider(slider, value, () => this.#changeCoverage());
    this.#receiveFiles();
  }

  async begin(catalogue) {
    const takesTable = ({ columns }) => columns.length > 0;
    const hasModel = await fillModelMenu(byId("tables-model"), catalogue, takesTable, (model) => this.#changeModel(model));
    for (const name of ["choose", "example", "use-pasted"]) byId(`tables-${name}`).disabled = !hasModel; // nobody could answer before
    byId("tables-no-model").hidden = hasModel;
    byId("tables-work").hidden = !hasModel;
  }

  #receiveFiles() {
    receiveFiles(this.#section, parts(RECEIVING_PARTS), {
      isShown: () => !this.#section.hidden && this.#model !== undefined,
      onFile: (file, others) => {
        this.#tabs.show(byId("tables-tab-file"));
        this.#views.file.take(file, others);
      },
      example: () => new File([exampleTable(this.#model)], text("tables.example_name"), { type: "text/csv" }),
    });
  }

  #showView(name) {
    this.#shown = this.#views[name];
    this.#showCurl();
    this.#views.form.ask();
  }

  #changeModel(model) {
    this.#model = model;
    this.#coverage.limit(model.largestCoverage);
    byId("tables-needed").textContent = model.columns.map(({ name }) => name).join(", ");
    for (const view of Object.values(this.#views)) view.setModel(model);
    this.#changeCoverage();
  }

  #changeCoverage() {
    if (!this.#model) return;
    for (const view of Object.values(this.#views)) view.setCoverage(this.#coverage.value);
  }

  #showCurl() {
    if (this.#model) this.#curl.set(this.#shown.line());
  }
}

/** Returns elements of the panel, by the ends of their ids: `chartText` has the id `tables-chart-text`. */
const parts = (names) => Object.fromEntries(names.map((name) => [name, byId(`tables-${kebabCase(name)}`)]));

const kebabCase = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
