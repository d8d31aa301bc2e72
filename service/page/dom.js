// Elements of the page.

export const byId = (id) => document.getElementById(id);

/**
 * Makes an element.
 *
 * Attributes that are true stand without a value, and those that are false or undefined do not stand
 * at all. Children are elements or texts, which are never read as HTML.
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Makes a button that calls a function. */
export function button(label, onClick, attributes = {}) {
  const element = make("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", onClick);
  return element;
}

/** Loads a style, given by its path beside this script, unless the page has it. */
export function addStyle(path) {
  const { href } = new URL(path, import.meta.url);
  const isThere = [...document.styleSheets].some((style) => style.href === href);
  if (isThere) return Promise.resolve();
  return new Promise((resolve) => {
    const link = make("link", { rel: "stylesheet", href });
    link.onload = link.onerror = resolve; // without its style, a panel is still of use
    document.head.append(link);
  });
}

/** Lets the browser save a file. */
export function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
