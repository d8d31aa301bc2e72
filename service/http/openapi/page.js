// Shows the OpenAPI document beside this script, and sends the requests that it describes.

// The service lies one folder above the script, whatever path a proxy shows it under.
const SERVICE = new URL("..", import.meta.url);
const SHOWN_CHARACTERS = 20_000;
const FORM = "multipart/form-data";

const byId = (id) => document.getElementById(id);
let key = "";

/** Makes an element; children are elements or texts, which are never read as HTML. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

const authorization = () => (key ? { Authorization: `Bearer ${key}` } : {});

/** Writes a text in which backticks stand around code. */
const written = (text) =>
  text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));

async function load() {
  const state = byId("state");
  const answer = await fetch(new URL("openapi.json", SERVICE), { headers: authorization() });
  if (answer.status === 401) {
    byId("access").hidden = false;
    state.textContent = key ? "This key is not valid." : "The service asks for an API key.";
    byId("key").focus();
    return;
  }
  if (!answer.ok) {
    state.textContent = `The description cannot be loaded: ${answer.status}.`;
    return;
  }
  const description = await answer.json();
  byId("access").hidden = !description.components.securitySchemes;
  show(description);
  state.textContent = "";
}

function show(description) {
  byId("about").textContent = description.info.description;
  const groups = new Map(description.tags.map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      groups.get(operation.tags[0]).push(new Request(description, path, method, operation));
    }
  }
  const sections = [...groups].filter(([, requests]) => requests.length > 0);
  byId("tags").replaceChildren(
    ...sections.map(([tag]) => make("a", { href: `#${anchor(tag)}` }, tag)),
  );
  byId("operations").replaceChildren(...sections.map(([tag, requests]) => section(tag, requests)));
  filter();
  openTarget();
}

const anchor = (tag) => `tag-${tag.replace(/\W+/g, "-")}`;

function section(tag, requests) {
  const heading = make("h2", { id: anchor(tag) }, tag);
  return make("section", {}, heading, ...requests.map((request) => request.element()));
}

/** Shows only the requests with the words that are looked for. */
function filter() {
  const words = byId("find").value.toLowerCase().split(/\s+/);
  for (const part of byId("operations").children) {
    let found = 0;
    for (const details of part.querySelectorAll(":scope > details")) {
      const text = details.querySelector("summary").textContent.toLowerCase();
      details.hidden = !words.every((word) => text.includes(word));
      found += details.hidden ? 0 : 1;
    }
    part.hidden = found === 0;
  }
}

/** Opens the request that the address of the page names. */
function openTarget() {
  const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
  if (target) target.scrollIntoView();
}

/** One operation: what it takes and gives, and a form that sends it. */
class Request {
  constructor(description, path, method, operation) {
    this.description = description;
    this.path = path;
    this.method = method.toUpperCase();
    this.operation = operation;
    this.bodies = operation.requestBody?.content ?? {};
    this.fields = [];
  }

  element() {
    const summary = make(
      "summary",
      {},
      make("span", { class: "method" }, this.method),
      " ",
      make("code", {}, this.path),
      make("span", { class: "soft" }, this.operation.summary),
    );
    const details = make("details", { id: this.operation.operationId }, summary);
    details.addEventListener("toggle", () => {
      if (details.open && !details.querySelector(".inside")) details.append(this.inside());
    });
    return details;
  }

  inside() {
    return make(
      "div",
      { class: "inside" },
      ...this.describeParameters(),
      ...this.describeBodies(),
      ...this.describeAnswers(),
      make("h3", {}, "Try it"),
      this.form(),
    );
  }

  describeParameters() {
    const parameters = this.operation.parameters ?? [];
    if (parameters.length === 0) return [];
    const rows = parameters.map(({ name, in: where, schema, description = "" }) => [
      name,
      `${where}: ${this.typeOf(schema)}`,
      description,
    ]);
    return [make("h3", {}, "Parameters"), table(["name", "where and what", "meaning"], rows)];
  }

  describeBodies() {
    const described = Object.entries(this.bodies).map(([type, body]) =>
      make(
        "details",
        {},
        make("summary", {}, make("code", {}, type)),
        make("div", { class: "inside" }, ...this.describeSchema(body.schema), ...example(body)),
      ),
    );
    return described.length > 0 ? [make("h3", {}, "Body"), ...described] : [];
  }

  describeAnswers() {
    const described = Object.entries(this.operation.responses).map(([status, response]) => {
      const types = Object.entries(response.content ?? {});
      const inside = types.flatMap(([type, { schema }]) => [
        make("p", {}, make("code", {}, type)),
        ...this.describeSchema(schema),
      ]);
      const lines = response.description.split("\n");
      return make(
        "details",
        {},
        make("summary", {}, make("code", {}, status), " ", ...written(lines[0]), lines.length > 1 ? " ..." : ""),
        make("div", { class: "inside" }, ...lines.map((line) => make("p", {}, ...written(line))), ...inside),
      );
    });
    return [make("h3", {}, "Answers"), ...described];
  }

  /** Lists the members of an object, at any depth, in one table. */
  describeSchema(schema) {
    if (schema === undefined) return [];
    const rows = [...this.members(this.resolve(schema), "", 0)];
    if (rows.length === 0) return [make("p", { class: "soft" }, this.typeOf(schema))];
    return [table(["member", "what", "meaning"], rows)];
  }

  *members(schema, prefix, depth) {
    if (depth > 4) return;
    for (const [name, given] of Object.entries(schema.properties ?? {})) {
      const member = this.resolve(given);
      const optional = schema.required?.includes(name) ? "" : " (optional)";
      yield [`${prefix}${name}`, `${this.typeOf(member)}${optional}`, member.description ?? ""];
      yield* this.members(member, `${prefix}${name}.`, depth + 1);
    }
    if (schema.items) yield* this.members(this.resolve(schema.items), `${prefix}[].`, depth + 1);
    for (const each of schema.anyOf ?? []) yield* this.members(this.resolve(each), prefix, depth + 1);
  }

  resolve(schema) {
    if (!schema.$ref) return schema;
    const names = schema.$ref.slice(2).split("/");
    return names.reduce((found, name) => found[name], this.description);
  }

  /** Says in a few words what a value may be. */
  typeOf(given) {
    const schema = this.resolve(given);
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return listed(schema.enum);
    if (schema.anyOf) return [...new Set(schema.anyOf.map((each) => this.typeOf(each)))].join(" or ");
    if (schema.type === "array") return `array of ${this.typeOf(schema.items ?? {})}`;
    const types = [schema.type ?? "any"].flat().join(" or ");
    return schema.format ? `${types} (${schema.format})` : types;
  }

  form() {
    const fields = (this.operation.parameters ?? []).map((parameter) => this.field(parameter));
    const answer = make("div", { role: "status" });
    const form = make("form", {}, ...fields, ...this.bodyFields(), make("button", {}, "Send"), answer);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      answer.replaceChildren("Sending ...");
      answer.replaceChildren(...(await this.send()));
    });
    return form;
  }

  field(parameter) {
    const schema = this.resolve(parameter.schema);
    const choices = schema.type === "boolean" ? [true, false] : schema.enum;
    const control = choices
      ? make("select", {}, ...options(choices, parameter.required))
      : make("input", { required: parameter.required, placeholder: String(schema.default ?? "") });
    this.fields.push({ parameter, control });
    return make("label", { class: "wide" }, `${parameter.name} `, control);
  }

  bodyFields() {
    const types = Object.keys(this.bodies);
    if (types.length === 0) return [];
    this.type = make("select", {}, ...types.map((type) => make("option", {}, type)));
    this.text = make("textarea", { rows: "8", spellcheck: "false" });
    this.files = make("input", { type: "file", multiple: true });
    const fill = () => {
      this.text.value = exampleText(this.type.value, this.bodies[this.type.value]);
      this.files.value = "";
    };
    this.type.addEventListener("change", fill);
    fill();
    return [
      make("label", { class: "wide" }, "Media type ", this.type),
      make("label", { class: "wide" }, "Body", this.text),
      make("label", { class: "wide" }, "or a file instead ", this.files),
    ];
  }

  /** Sends the request, and returns the elements that show its answer. */
  async send() {
    const { url, headers } = this.address();
    const body = this.body();
    if (this.type && this.type.value !== FORM) headers["Content-Type"] = this.type.value;
    const started = performance.now();
    try {
      const options = { method: this.method, headers: { ...headers, ...authorization() }, body };
      const answer = await fetch(url, options);
      const text = await answer.text();
      return shown(answer, text, performance.now() - started, curl(this.method, url, headers, body));
    } catch (error) {
      return [make("p", { class: "bad" }, `No answer: ${error.message}`)];
    }
  }

  address() {
    let path = this.path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { parameter, control } of this.fields) {
      if (!isGiven(parameter, control)) continue;
      if (parameter.in === "path") {
        path = path.replace(`{${parameter.name}}`, encodeURIComponent(control.value));
      } else if (parameter.in === "query") query.set(parameter.name, control.value);
      else headers[parameter.name] = control.value;
    }
    const url = new URL(path.slice(1), SERVICE);
    url.search = query.toString();
    return { url, headers };
  }

  body() {
    if (!this.type) return undefined;
    const files = [...this.files.files];
    if (this.type.value !== FORM) return files[0] ?? this.text.value;
    const form = new FormData();
    const fields = files.length > 0 ? files.map((file) => [file.name, file]) : formFields(this.text.value);
    for (const [name, value] of fields) form.append(name, value);
    return form;
  }
}

/** Tells whether a parameter is to be sent: one that is chosen may be an empty text. */
function isGiven(parameter, control) {
  if (control instanceof HTMLSelectElement) return parameter.required || control.selectedIndex > 0;
  return control.value !== "";
}

function formFields(text) {
  try {
    return Object.entries(JSON.parse(text));
  } catch {
    return [["text", text]];
  }
}

function options(choices, required) {
  const given = choices.map((choice) => {
    const text = String(choice);
    return make("option", { value: text }, text.trim() === "" ? JSON.stringify(text) : text);
  });
  return required ? given : [make("option", { value: "" }, "(not given)"), ...given];
}

function listed(values) {
  const texts = values.slice(0, 12).map((value) => JSON.stringify(value));
  return values.length > 12 ? `${texts.join(", ")} and ${values.length - 12} more` : texts.join(", ");
}

function table(heads, rows) {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map(([name, ...rest]) =>
    make("tr", {}, make("td", { class: "name" }, make("code", {}, name)), ...rest.map((text) => make("td", {}, ...written(text)))),
  );
  return make("div", { class: "scroll", tabindex: "0" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

function example(body) {
  if (body.example === undefined) return [];
  return [make("p", { class: "soft" }, "Example"), make("pre", { tabindex: "0" }, asText(body.example))];
}

const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function exampleText(type, { example: given = "" }) {
  if (type !== "application/x-www-form-urlencoded" || typeof given === "string") return asText(given);
  return new URLSearchParams(given).toString();
}

function shown(answer, text, milliseconds, command) {
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  const time = `${milliseconds.toFixed(0)} ms`;
  return [
    make("p", { class: answer.ok ? "" : "bad" }, make("strong", {}, `${answer.status} ${answer.statusText}`), ` in ${time}`),
    make("pre", { tabindex: "0" }, pretty(text)),
    make("details", {}, make("summary", {}, "Headers"), make("pre", { tabindex: "0" }, headers)),
    make("details", {}, make("summary", {}, "In a terminal"), make("pre", { tabindex: "0" }, command)),
  ];
}

function pretty(text) {
  let written = text;
  try {
    written = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // What is no JSON is shown as it is.
  }
  const more = written.length - SHOWN_CHARACTERS;
  return more > 0 ? `${written.slice(0, SHOWN_CHARACTERS)}\n... and ${more} more characters` : written;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Writes the request as a command; the key stays in a variable of the shell. */
function curl(method, url, headers, body) {
  const words = ["curl", "-X", method, quoted(url.href)];
  if (key) words.push("-H", '"Authorization: Bearer $VITRINE_KEY"');
  for (const [name, value] of Object.entries(headers)) words.push("-H", quoted(`${name}: ${value}`));
  if (body instanceof FormData) {
    for (const [name, value] of body) {
      words.push(...(value instanceof File ? ["-F", quoted(`${name}=@${value.name}`)] : ["--form-string", quoted(`${name}=${value}`)]));
    }
  } else if (body instanceof File) words.push("--data-binary", quoted(`@${body.name}`));
  else if (body !== undefined) words.push("--data-raw", quoted(body));
  return words.join(" ");
}

byId("home").href = SERVICE.href;
byId("document").href = new URL("openapi.json", SERVICE).href;
byId("find").addEventListener("input", filter);
byId("access").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("key").value.trim();
  load();
});
addEventListener("hashchange", openTarget);
load().catch(() => {
  byId("state").textContent = "The description cannot be loaded.";
});
