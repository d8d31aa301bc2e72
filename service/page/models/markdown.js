// A text in Markdown as elements of the page.
//
// The text comes from whoever published a version. Elements are made from what the parser found, and
// only those that are named here: what is HTML in the text is shown as it was written, and does nothing.

import { make } from "../dom.js";
import { text } from "../texts.js";
import { lexer } from "../vendor/marked/marked.esm.js";

// Of headings: the page has those of the levels above, which are its own.
const HIGHEST = 3;
const LOWEST = 6;
// What is nested more deeply is shown as it was written: a browser would take long to lay it out.
const DEEPEST = 12;
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#39;": "'", "&nbsp;": "\u00a0" };

/** Parses a text; its tokens can be looked at before they are shown. */
export const parse = (markdown) => lexer(markdown);

/** Shows tokens; `picture(path, alt)` makes what is shown for a picture. */
export function render(tokens, picture) {
  const depths = tokens.filter(({ type }) => type === "heading").map(({ depth }) => depth);
  return new Renderer(picture, HIGHEST - Math.min(...depths)).all(tokens);
}

/** Yields all pictures that tokens name, as {href, text}. */
export function* pictures(tokens) {
  for (const token of tokens) {
    if (token.type === "image") yield token;
    const cells = [token.header ?? [], ...(token.rows ?? [])].flat();
    yield* pictures([...(token.tokens ?? []), ...(token.items ?? []), ...cells]);
  }
}

class Renderer {
  #picture;
  #lowering;
  #depth = 0;

  constructor(picture, lowering) {
    this.#picture = picture;
    this.#lowering = lowering;
  }

  all(tokens = []) {
    this.#depth += 1;
    const shown = tokens.flatMap((token) => this.#one(token));
    this.#depth -= 1;
    return shown;
  }

  #one(token) {
    const method = this.#depth > DEEPEST ? undefined : SHOWN[token.type];
    return method ? method(this, token) : plain(token.raw ?? "");
  }

  inside(tag, token, attributes) {
    return make(tag, attributes, ...this.all(token.tokens));
  }

  /** A heading keeps its level relative to the others of the text. */
  heading(token) {
    const level = Math.min(Math.max(token.depth + this.#lowering, HIGHEST), LOWEST);
    return this.inside(`h${level}`, token);
  }

  /** A paragraph that is one picture is no paragraph of words. */
  paragraph(token) {
    const isPicture = token.tokens.length === 1 && token.tokens[0].type === "image";
    return isPicture ? this.all(token.tokens) : this.inside("p", token);
  }

  list(token) {
    const items = token.items.map((item) => this.inside("li", item));
    return make(token.ordered ? "ol" : "ul", { start: token.ordered && token.start }, ...items);
  }

  table(token) {
    const head = make("tr", {}, ...token.header.map((cell) => this.#cell(cell, "th")));
    const rows = token.rows.map((row) => make("tr", {}, ...row.map((cell) => this.#cell(cell, "td"))));
    const hasHead = token.header.some((cell) => cell.text.trim());
    const table = make("table", {}, hasHead ? make("thead", {}, head) : undefined, make("tbody", {}, ...rows));
    return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": text("models.table") }, table);
  }

  #cell(cell, tag) {
    const isEmpty = tag === "th" && !cell.text.trim();
    return this.inside(isEmpty ? "td" : tag, cell, { scope: tag === "th" && !isEmpty && "col" });
  }

  /** Only addresses of the web are links, which do not learn where the reader comes from. */
  link(token) {
    const children = this.all(token.tokens);
    if (!/^https?:\/\//i.test(token.href)) return children;
    return make("a", { href: token.href, rel: "noreferrer" }, ...children);
  }

  image(token) {
    return this.#picture(token.href, token.text);
  }
}

const plain = (raw) => raw.replace(/&(?:lt|gt|amp|quot|nbsp|#39);/g, (entity) => ENTITIES[entity]);

/** What each kind of token becomes; other kinds are shown as they were written. */
const SHOWN = {
  space: () => [],
  def: () => [],
  checkbox: (_, token) => (token.checked ? "☑ " : "☐ "),
  hr: () => make("hr"),
  br: () => make("br"),
  heading: (renderer, token) => renderer.heading(token),
  paragraph: (renderer, token) => renderer.paragraph(token),
  blockquote: (renderer, token) => renderer.inside("blockquote", token),
  list: (renderer, token) => renderer.list(token),
  table: (renderer, token) => renderer.table(token),
  link: (renderer, token) => renderer.link(token),
  image: (renderer, token) => renderer.image(token),
  strong: (renderer, token) => renderer.inside("strong", token),
  em: (renderer, token) => renderer.inside("em", token),
  del: (renderer, token) => renderer.inside("del", token),
  code: (_, token) => make("pre", { tabindex: "0" }, make("code", {}, token.text)),
  codespan: (_, token) => make("code", {}, token.text),
  escape: (_, token) => token.text,
  text: (renderer, token) => (token.tokens ? renderer.all(token.tokens) : plain(token.text)),
};
