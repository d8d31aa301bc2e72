// Tabs, as the ARIA Authoring Practices describe them: arrows move between them.

/**
 * Lets tabs show the panels that they control.
 *
 * @param {HTMLElement} list Holds the tabs; each names its panel in `aria-controls`, and itself in
 *     `data-tab`.
 * @param {function(string): void} onShow Is called with the name of the tab that is shown.
 */
export class Tabs {
  #tabs;
  #onShow;

  constructor(list, onShow) {
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    this.#onShow = onShow;
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.show(tab));
    list.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Shows the panel of a tab. */
  show(shown) {
    for (const tab of this.#tabs) {
      tab.setAttribute("aria-selected", tab === shown);
      tab.tabIndex = tab === shown ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== shown;
    }
    this.#onShow(shown.dataset.tab);
  }

  #onKey({ key }) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const at = this.#tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
    const next = this.#tabs[(at + step + this.#tabs.length) % this.#tabs.length];
    next.focus();
    this.show(next);
  }
}
