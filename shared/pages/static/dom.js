// Small DOM helpers: elements from data, and lists that keep the elements whose key stays.

export const byId = (id) => document.getElementById(id);

/** Set an element's text, touching the document only where it changes. */
export function setText(element, text) {
  const words = String(text);
  if (element.textContent !== words) element.textContent = words;
}

/** Make an element: class list, properties in `data-*`, children (elements or text). */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/**
 * Make `container` hold one element an item, in order. `create()` makes an element, `update(element, item)`
 * fills it; elements of keys that stay are kept, so that transitions and focus survive. `none` is said of no items.
 */
export function sync(container, items, { key, create, update, none = "" }) {
  const known = new Map([...container.children].map((element) => [element.dataset.key, element]));
  let place = null;
  for (const item of items) {
    const name = String(key(item));
    let element = known.get(name);
    known.delete(name);
    if (!element) {
      element = create(item);
      element.dataset.key = name;
    }
    update(element, item);
    const next = place ? place.nextSibling : container.firstChild;
    if (element !== next) container.insertBefore(element, next);
    place = element;
  }
  for (const element of known.values()) element.remove();
  if (!items.length && none) {
    const tag = container.tagName === "TBODY" ? "tr" : "li";
    const cell = tag === "tr" ? Object.assign(make("td", "", none), { colSpan: 6 }) : none;
    const said = make(tag, "none", cell);
    said.dataset.key = "\u0000none";
    container.append(said);
  }
}

/** Find the part of an element that its creator named with `data-part`. */
export const part = (element, name) => element.querySelector(`[data-part="${name}"]`);

/** Make a part: an element that `part` finds again. */
export function made(tag, name, className = "") {
  const element = make(tag, className);
  element.dataset.part = name;
  return element;
}
