// The models that are served now, and what they take and give.

/** A version of a model that can be asked. */
export class ServedModel {
  /**
   * @param {string} path Path of the version below the root of the service.
   * @param {object} description What the service says at that path.
   */
  constructor(path, description) {
    this.path = path;
    this.description = description;
  }

  get name() {
    return this.description.name;
  }

  get version() {
    return this.description.version;
  }

  get task() {
    return this.description.task;
  }

  /** The picture that the model takes, as the signature describes it; undefined for tables. */
  get picture() {
    return this.description.inputs.find((input) => input.kind === "picture");
  }

  /** The columns that the model takes, as the signature describes them; none for pictures. */
  get columns() {
    return this.description.inputs.filter((input) => input.kind !== "picture");
  }

  /** The labels of classes, or of what a picture may show; none where a value is predicted. */
  get labels() {
    return this.description.outputs.find((output) => output.labels)?.labels ?? [];
  }

  /** The unit of predicted values; undefined where there is none. */
  get unit() {
    return this.description.outputs.find((output) => output.unit)?.unit;
  }

  /** The highest coverage that can be asked for; undefined for a model that has no sets or intervals. */
  get largestCoverage() {
    const hasSets = ["classification", "regression"].includes(this.task);
    return hasSets ? this.description.trust?.largest_coverage : undefined;
  }
}

// With a canary, answers come from two versions: no reason to look at every second answer.
const LOOK_AGAIN_MILLISECONDS = 10_000;

/** Tells with an event `change` that what was described may hold no more. */
export class Catalogue extends EventTarget {
  #service;
  #descriptions = new Map();
  #looked = -Infinity;

  constructor(service) {
    super();
    this.#service = service;
    service.onPrediction = (path, version) => this.#compare(path.replace(/\/predict$/, ""), version);
  }

  /** Forgets what was described if another version answers than the one that was described. */
  async #compare(path, version) {
    const described = await this.#descriptions.get(path);
    const isRecent = performance.now() - this.#looked < LOOK_AGAIN_MILLISECONDS;
    if (!described || described.version === version || isRecent) return;
    this.#looked = performance.now();
    this.forget();
  }

  /** Returns the models that answer by default, as `GET /models` lists them. */
  async list() {
    return (await this.#service.json("models")).models;
  }

  /** Describes one version, or the default one; what was described is kept until `forget`. */
  async describe(name, version) {
    const path = versionPath(name, version);
    if (!this.#descriptions.has(path)) this.#descriptions.set(path, this.#describe(path));
    try {
      return await this.#descriptions.get(path);
    } catch (error) {
      this.#descriptions.delete(path);
      throw error;
    }
  }

  async #describe(path) {
    return new ServedModel(path, await this.#service.json(path));
  }

  /** Describes the default version of every model. */
  async models() {
    const listed = await this.list();
    return Promise.all(listed.map(({ name }) => this.describe(name)));
  }

  /** Forgets what was described, because something has changed. */
  forget() {
    this.#descriptions.clear();
    this.dispatchEvent(new Event("change"));
  }
}

/** Returns the path of a version, or of the default one, below the root of the service. */
export function versionPath(name, version) {
  const path = `models/${encodeURIComponent(name)}`;
  return version === undefined ? path : `${path}/versions/${version}`;
}
