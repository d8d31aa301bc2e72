// Live: requests, times and load of the service, from what it tells of itself under /metrics.

import { CurlView, curlLine } from "../curl.js";
import { byId } from "../dom.js";
import { clock, text } from "../texts.js";
import { Charts } from "./charts.js";
import { sentence, showFigures } from "./figures.js";
import { History } from "./history.js";
import { Look } from "./look.js";
import { Poller } from "./poller.js";
import { showTables } from "./tables.js";

const MINUTE = 60;

export async function open(_section, { service }) {
  return new Live(service);
}

class Live {
  #service;
  #history = new History();
  #charts = new Charts();
  #poller = new Poller(
    (signal) => this.#look(signal),
    () => tell(text("live.silent")),
  );
  #isShown = false;
  #isPaused = false;

  constructor(service) {
    this.#service = service;
    this.curl = new CurlView(byId("live-curl"));
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
    tell("");
    byId("live-pause").textContent = isPaused ? text("live.go_on") : text("live.pause");
    this.#update();
  }

  /** Asks the service while somebody looks, and not otherwise. */
  #update() {
    const isLookedAt = this.#isShown && document.visibilityState === "visible";
    if (isLookedAt && !this.#isPaused) this.#poller.start();
    else this.#poller.stop();
    this.curl.set(curlLine(this.#service, "metrics"));
  }

  async #look(signal) {
    try {
      const answer = await this.#service.request("metrics", { signal });
      this.#show(new Look(Date.now() / 1000, await answer.text()));
      tell("");
    } catch (error) {
      if (!signal.aborted) this.#tellFailure(error);
    }
  }

  #show(look) {
    if (!look.isOfVitrine) throw new Error(text("live.not_metrics"));
    this.#history.add(look.time, look.counters);
    const windows = { now: this.#history.latest, minute: this.#history.last(MINUTE) };
    showFigures(look, windows);
    showTables(look, windows.minute);
    this.#charts.add(look, this.#history);
    this.curl.set(curlLine(this.#service, "metrics")); // a key may be needed since
    byId("live-state").textContent = text("live.state", { time: clock(look.time) });
    byId("live-say").disabled = false;
  }

  #tellFailure(error) {
    const reason = error.message;
    if (error.status === 401) {
      // Nobody is asked for a key again and again.
      this.#pause(true);
      tell(text("live.stopped", { reason }));
    } else {
      tell(text("live.failed_look", { reason }));
    }
  }

  #say() {
    const said = byId("live-said");
    said.hidden = false;
    said.textContent = sentence({ minute: this.#history.last(MINUTE) });
  }
}

/** Tells what went wrong, or nothing; the same is not told twice. */
function tell(trouble) {
  const place = byId("live-trouble");
  if (place.textContent === trouble) return;
  place.textContent = trouble;
  place.hidden = trouble === "";
}
