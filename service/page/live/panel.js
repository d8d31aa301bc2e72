// Live: requests, times and load of the service, from its metrics.

import { CurlView, curlLine } from "../curl.js";
import { byId } from "../dom.js";
import { clock, text } from "../texts.js";
import { Charts } from "./charts.js";
import { sentence, showFigures } from "./figures.js";
import { History } from "./history.js";
import { Snapshot } from "./snapshot.js";
import { Poller } from "./poller.js";
import { showTables } from "./tables.js";

const MINUTE = 60;

export async function open(_section, { service }) {
  return new LivePanel(service);
}

class LivePanel {
  #curl;
  #service;
  #history = new History();
  #charts = new Charts();
  #poller = new Poller(
    (signal) => this.#read(signal),
    () => showTrouble(text("live.silent")),
  );
  #isShown = false;
  #isPaused = false;

  constructor(service) {
    this.#service = service;
    this.#curl = new CurlView(byId("live-curl"));
    byId("live-pause").addEventListener("click", () => this.#pause(!this.#isPaused));
    // A screen reader that read out every change would never end: it reads figures when it is asked to.
    byId("live-say").addEventListener("click", () => this.#say());
    document.addEventListener("visibilitychange", () => this.#update());
  }

  show() {
    this.#isShown = true;
    this.#update();
  }

  hide() {
    this.#isShown = false;
    this.#update();
  }

  #pause(isPaused) {
    this.#isPaused = isPaused;
    showTrouble("");
    byId("live-pause").textContent = isPaused ? text("live.go_on") : text("live.pause");
    this.#update();
  }

  /** Asks the service while somebody looks, and not otherwise. */
  #update() {
    const isLookedAt = this.#isShown && document.visibilityState === "visible";
    if (isLookedAt && !this.#isPaused) this.#poller.start();
    else this.#poller.stop();
    this.#curl.set(curlLine(this.#service, "metrics"));
  }

  async #read(signal) {
    try {
      const answer = await this.#service.request("metrics", { signal });
      this.#show(new Snapshot(Date.now() / 1000, await answer.text()));
      showTrouble("");
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #show(snapshot) {
    if (!snapshot.isOfVitrine) throw new Error(text("live.not_metrics"));
    this.#history.add(snapshot.time, snapshot.counters);
    const windows = { now: this.#history.latest, minute: this.#history.last(MINUTE) };
    showFigures(snapshot, windows);
    showTables(snapshot, windows.minute);
    this.#charts.add(snapshot, this.#history);
    this.#curl.set(curlLine(this.#service, "metrics")); // a key may be needed since
    byId("live-state").textContent = text("live.state", { time: clock(snapshot.time) });
    byId("live-say").disabled = false;
  }

  #fail(error) {
    const reason = error.message;
    if (error.status === 401) {
      // Nobody is asked for a key again and again.
      this.#pause(true);
      showTrouble(text("live.stopped", { reason }));
    } else {
      showTrouble(text("live.failed_read", { reason }));
    }
  }

  #say() {
    const place = byId("live-sentence");
    place.hidden = false;
    place.textContent = sentence({ minute: this.#history.last(MINUTE) });
  }
}

/** Says what went wrong, or nothing; a screen reader does not hear the same twice. */
function showTrouble(trouble) {
  const place = byId("live-trouble");
  if (place.textContent === trouble) return;
  place.textContent = trouble;
  place.hidden = trouble === "";
}
