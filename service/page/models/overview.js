// A version at a glance: what it is, its scores, its training curves, and what it takes.

import { make } from "../dom.js";
import { moment, number, text } from "../texts.js";
import { showCurves } from "./curves.js";
import { card, facts } from "./elements.js";
import { showInputs, words } from "./inputs.js";
import { showScores } from "./scores.js";

export async function showOverview(context) {
  const { model } = context;
  const curves = await showCurves(context);
  return [
    showScores(model.description),
    curves ?? make("p", { class: "notice" }, text("models.no_history")),
    showInputs(model),
    about(model),
  ];
}

function about(model) {
  const { target, data, created, parameters, multiply_adds: multiplyAdds, trust } = model.description;
  return card(
    text("models.about"),
    facts([
      [text("models.target"), target],
      [text("models.unit"), model.unit],
      [text("models.labels"), model.labels.length > 0 ? words(model.labels) : undefined],
      [text("models.data"), data],
      [text("models.created"), moment(created)],
      [text("models.parameters"), number(parameters)],
      [text("models.multiply_adds"), number(multiplyAdds)],
      [text("models.calibrated_on"), trust ? number(trust.calibrated_on) : text("models.uncalibrated")],
    ]),
  );
}
