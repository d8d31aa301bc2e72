// A change of what is served: a question first, then the request, then the answer or the refusal.

import { button, make } from "../dom.js";
import { curlLine } from "../curl.js";
import { list, text } from "../texts.js";
import { versionPath } from "../catalogue.js";

const FORBIDDEN = 403;

/**
 * Describes the request of a change.
 *
 * @param {string} name Name of the model.
 * @param {string} action "rollback" or "load"; undefined where a patch is sent.
 * @param {object} patch JSON merge patch.
 */
export function changeRequest(name, { action, patch }) {
  const path = versionPath(name);
  if (action) return { path: `${path}/${action}`, method: "POST" };
  return { path, method: "PATCH", body: JSON.stringify(patch) };
}

/** Writes the line of curl that sends a change. */
export function changeLine(service, { path, method, body }) {
  return curlLine(service, path, { options: ["-X", method, ...(body ? ["-d", body] : [])] });
}

export class ChangeDialog {
  #service;
  #dialog;
  #resolve;

  /**
   * @param {HTMLElement} parent Where the dialog stands.
   * @param {Service} service The service that is changed.
   */
  constructor(parent, service) {
    this.#service = service;
    this.#dialog = make("dialog", { "aria-labelledby": "models-change-title" });
    this.#dialog.addEventListener("close", () => this.#resolve?.(undefined));
    parent.append(this.#dialog);
  }

  /** Takes the question back, because its place is left. */
  close() {
    this.#dialog.close();
  }

  /**
   * Asks whether to change something, and changes it.
   *
   * A refusal is shown in the dialog, which stays open, so that nothing has to be typed again.
   *
   * @param {string} sentence What will happen.
   * @param {object} request As `changeRequest` describes it.
   * @returns {Promise<object|undefined>} The answer of the service; undefined if nobody agreed.
   */
  ask(sentence, request) {
    const agree = button(text("models.agree"), () => this.#send(request, agree));
    const cancel = button(text("frame.cancel"), () => this.#dialog.close(), { class: "quiet" });
    this.#dialog.replaceChildren(
      make("h2", { id: "models-change-title" }, text("models.change_title")),
      make("p", {}, sentence),
      make("pre", { class: "models-line", tabindex: "0" }, make("code", {}, changeLine(this.#service, request))),
      make("div", { role: "alert" }),
      make("p", { class: "buttons" }, agree, cancel),
    );
    this.#dialog.showModal();
    agree.focus();
    return new Promise((resolve) => (this.#resolve = resolve));
  }

  async #send({ path, method, body }, agree) {
    const headers = body ? { "Content-Type": "application/merge-patch+json" } : {};
    agree.disabled = true;
    try {
      const answer = await this.#service.json(path, { method, body, headers });
      this.#resolve(answer);
      this.#dialog.close();
    } catch (error) {
      this.#refuse(error);
    } finally {
      agree.disabled = false;
    }
  }

  #refuse(error) {
    const reason = make("p", { class: "notice bad" }, error.message);
    const help = error.status === FORBIDDEN ? make("p", {}, text("models.needs_management_key")) : undefined;
    this.#dialog.querySelector("[role=alert]").replaceChildren(...[reason, help].filter(Boolean));
  }
}

/** Says in words what the service answered to a change. */
export function answerText({ name, serving }) {
  const labels = Object.entries(serving.labels).map(([label, version]) => text("models.label_is", { label, version: String(version) }));
  const version = String(serving.default ?? text("models.none"));
  return text("models.answered", { name, version, labels: labels.length > 0 ? list(labels) : text("models.none") });
}
