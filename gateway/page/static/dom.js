// SPDX-License-Identifier: MIT
// Elements of the page: found, made and filled. What comes from the gateway becomes text, never markup.
import { adviceFor } from "./words.js";

export function byId(id) {
  return document.getElementById(id);
}

// make("td", {class: "x"}, "text", child)
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Text of others, in whatever direction it is written.
export function foreign(text) {
  return make("bdi", {}, text);
}

// Says it once: a screen reader is not told the same again.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, isShown) {
  element.hidden = !isShown;
}

// `next`: what to do about it, in place of what fits the error.
export function showError(notice, error, next = adviceFor(error)) {
  const lines = [make("p", {}, make("b", {}, error.message)), make("p", {}, next)];
  if (error.requestId) lines.push(make("p", { class: "quiet" }, `Request id: ${error.requestId}`));
  notice.replaceChildren(...lines);
  notice.hidden = false;
}

export function clearError(notice) {
  notice.replaceChildren();
  notice.hidden = true;
}
