// Requests to the service that this page came from, wherever a proxy shows it.

import { text } from "./texts.js";

// This file is at ROOT/page/DIGEST/service.js.
const ROOT = new URL("../../", import.meta.url);

/** A refusal of the service, or its silence; the message says why, in a sentence for people. */
export class Problem extends Error {
  /**
   * @param {number} status Status of HTTP; 0 where no answer came.
   * @param {object} members Members of the problem's body (RFC 9457).
   */
  constructor(status, members) {
    super(members.detail);
    this.name = "Problem";
    this.status = status;
    this.type = members.type ?? "about:blank";
    this.errors = members.errors ?? [];
    /** Seconds after which the service wants to be asked again; undefined where it does not say. */
    this.retryAfter = members.retryAfter;
  }
}

export class Service {
  /** Asks for a key, and returns it, or "" where the user gave none; set by the frame of the page. */
  onKeyNeeded = async () => "";

  /** Is called with the path of a request for predictions, and the version that has answered. */
  onPrediction = () => {};

  #key = sessionStorage.getItem("key") ?? "";
  #asking;

  /** Whether requests carry an API key. */
  get hasKey() {
    return this.#key !== "";
  }

  /** Returns the address of a path of the service; parameters that are undefined are left out. */
  url(path, query = {}) {
    const url = new URL(path, ROOT);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }

  /** Returns the headers that a request needs to be allowed; for requests that others send. */
  authorization() {
    return this.hasKey ? { Authorization: `Bearer ${this.#key}` } : {};
  }

  /**
   * Sends a request, and returns its answer.
   *
   * @param {string} path Path below the root of the service, such as "models".
   * @param {object} options As those of `fetch`, and `query`.
   * @throws {Problem} The service refuses the request, or cannot be reached.
   */
  async request(path, { query, headers = {}, ...options } = {}) {
    for (;;) {
      const key = this.#key;
      const response = await this.#send(this.url(path, query), headers, options);
      if (response.ok) this.#noteVersion(path, response.headers);
      if (response.status !== 401) return checked(response);
      if (key === this.#key && !(await this.#askForKey(key !== ""))) return checked(response);
    }
  }

  /** Sends a request, and returns what the answer says in JSON. */
  async json(path, options) {
    return (await this.request(path, options)).json();
  }

  #noteVersion(path, headers) {
    const version = headers.get("X-Model-Version");
    if (version !== null) this.onPrediction(path, Number(version));
  }

  async #send(url, headers, options) {
    try {
      return await fetch(url, { ...options, headers: { ...headers, ...this.authorization() } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, { detail: text("frame.unreachable") });
    }
  }

  /** Asks for a key, once for all requests that wait for one; says whether there is one now. */
  async #askForKey(isWrong) {
    this.#asking ??= this.onKeyNeeded(isWrong);
    const key = await this.#asking;
    this.#asking = undefined;
    if (key) this.setKey(key);
    return key !== "";
  }

  /** Sends this key from now on; the browser forgets it with the tab. */
  setKey(key) {
    this.#key = key;
    sessionStorage.setItem("key", key);
  }
}

async function checked(response) {
  if (response.ok) return response;
  throw await problemOf(response);
}

/** Reads a refusal; a proxy may have written something else than a problem. */
async function problemOf(response) {
  const retryAfter = Number(response.headers.get("Retry-After") ?? NaN);
  const known = Number.isFinite(retryAfter) ? { retryAfter } : {}; // it may also be a date
  const detail = `${response.status} ${response.statusText}`.trim();
  const members = await response.json().catch(() => ({}));
  return new Problem(response.status, { detail, ...members, ...known });
}

/** Waits before a request is sent again; the signal ends the wait. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
