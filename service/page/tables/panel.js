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

const part = (name) => byId(`tables-${name}`);

/** Returns elements of the panel, by the ends of their ids: `chartText` has the id `tables-chart-text`. */
const parts = (names) =>
  Object.fromEntries(names.map((name) => [name, part(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))]));

const FILE_PARTS = [
  ...["drop", "single", "state", "file", "counts", "stop", "again", "download", "status", "problem", "ignored", "results", "grid"],
  ...["chartCard", "chart", "labelChart", "chartAbout", "chartText", "faults", "faultTitle", "faultList", "faultMore"],
  ...["row", "rowTitle", "rowResult", "rowWhy"],
];

/** Builds the panel. */
export async function open(section, { service, catalogue }) {
  const curl = new CurlView(part("curl"));
  let model;
  let shown;
  const showLine = () => model && curl.set(shown.line());
  const file = new FileView(service, parts(FILE_PARTS), () => showLine());
  const form = new Form(service, parts(["fields", "find", "result", "contributions", "formStatus"]), () => showLine());
  const views = { file, form };
  shown = file;

  const coverage = new CoverageSlider(part("coverage"), part("coverage-value"), () => setCoverage());
  const setCoverage = () => {
    for (const view of [file, form]) view.setCoverage(coverage.value);
  };

  const setModel = (chosen) => {
    model = chosen;
    coverage.limit(model.largestCoverage);
    part("needed").textContent = model.columns.map(({ name }) => name).join(", ");
    for (const view of [file, form]) view.setModel(model);
    setCoverage();
  };

  const tabs = new Tabs(part("tabs"), (name) => {
    shown = views[name];
    showLine();
    form.ask();
  });
  receiveFiles(section, parts(["drop", "choose", "input", "pasted", "usePasted", "example"]), {
    isShown: () => !section.hidden && model !== undefined,
    onFile: (each, others) => {
      tabs.show(part("tab-file"));
      file.take(each, others);
    },
    example: () => new File([exampleTable(model)], text("tables.example_name"), { type: "text/csv" }),
  });
  const hasModels = await fillModelMenu(part("model"), catalogue, ({ columns }) => columns.length > 0, setModel);
  for (const each of ["choose", "example", "use-pasted"].map(part)) each.disabled = !hasModels; // there is nobody to ask before
  part("no-model").hidden = hasModels;
  part("work").hidden = !hasModels;
}
