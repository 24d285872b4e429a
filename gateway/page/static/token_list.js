// SPDX-License-Identifier: MIT
// The list of tokens: what is asked for, and its rows. A row that is shown stays while its token is listed, so that a list which is
// read anew takes neither the focus nor the place of what somebody is about to press.
import { callOrganisation, now } from "./api.js";
import { byId, foreign, make, say } from "./dom.js";
import { Pages, watchChoice } from "./pages.js";
import { SOON_MS, ago, ahead, exact } from "./words.js";

const PREFIX_LENGTH = 12; // more of a token is not looked for, nor sent
const LIMIT = 50;
const body = byId("tokens-rows");
const form = byId("filters");
const sort = byId("filter-sort");
const rows = new Map(); // id -> {element, token, text}
let ownId = null;
let actions = {};
let pages = null;

function searched() {
  const field = byId("filter-text");
  const text = field.value.trim();
  if (text === "") return {};
  if (!/^(sr_|sk_)/.test(text)) return { name: text };
  if (text.length > PREFIX_LENGTH) field.value = text.slice(0, PREFIX_LENGTH); // a whole token does not stay on the screen
  return { prefix: text.slice(0, PREFIX_LENGTH) };
}

function query() {
  const values = { scope: byId("filter-scope").value, unused: byId("filter-unused").value, expiring: byId("filter-expiring").value };
  const filters = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
  return { after: pages.cursor, limit: LIMIT, sort: sort.value, ...filters, ...searched(),
    ...(byId("filter-all").checked ? { all: "true" } : {}) };
}

// ---- rows ----

function timeCell(label, name) {
  return make("td", { role: "cell", "data-label": label, "data-time": name });
}

function fillTime(cell, iso, words, otherwise) {
  if (!iso) {
    if (cell.textContent !== otherwise) cell.replaceChildren(otherwise);
    return;
  }
  const shown = cell.querySelector("time") ?? make("time");
  shown.setAttribute("datetime", iso);
  shown.setAttribute("title", exact(iso));
  say(shown, words(Date.parse(iso), now()));
  if (!shown.isConnected || cell.childNodes.length !== 1) cell.replaceChildren(shown);
}

// Of one that has ended when it did; of a live one when it will, which stands out when that is soon.
function fillEnd(cell, token) {
  if (token.revokedAt) {
    fillTime(cell, token.revokedAt, ago, "");
    return;
  }
  const left = token.expiresAt ? Date.parse(token.expiresAt) - now() : Infinity;
  fillTime(cell, token.expiresAt, left > 0 ? ahead : ago, "never");
  for (const name of ["tag", "soon"]) cell.querySelector("time")?.classList.toggle(name, left > 0 && left < SOON_MS);
}

function fillTimes(row) {
  const { token, element } = row;
  const cell = (name) => element.querySelector(`[data-time=${name}]`);
  fillTime(cell("created"), token.createdAt, ago, "");
  fillTime(cell("used"), token.lastUsedAt, ago, "never");
  fillEnd(cell("ends"), token);
}

function nameCell(token) {
  const state = token.state ?? "live";
  return make("th", { role: "rowheader", scope: "row" }, foreign(token.name),
    token.id === ownId ? make("span", { class: "tag own" }, "signed in") : null,
    state === "live" ? null : make("span", { class: "tag ended" }, state),
    token.description ? make("span", { class: "quiet" }, foreign(token.description)) : null,
    token.reason ? make("span", { class: "quiet" }, foreign(token.reason)) : null);
}

function actionCell(token) {
  const state = token.state ?? "live";
  const names = ["Details", ...(state === "live" ? ["Rotate"] : []), ...(state === "revoked" ? [] : ["Revoke"])];
  const buttons = names.map((name) => {
    const button = make("button", { type: "button", "aria-label": `${name} ${token.name}`, "data-action": name }, name);
    button.addEventListener("click", () => actions[name](rows.get(token.id)?.token ?? token, token.id === ownId));
    return button;
  });
  return make("td", { role: "cell", class: "row-actions" }, ...buttons);
}

function fillRow(row) {
  const { token, element } = row;
  element.classList.toggle("ended", (token.state ?? "live") !== "live");
  element.replaceChildren(
    nameCell(token),
    make("td", { role: "cell", "data-label": "Begins with" }, make("code", {}, `${token.prefix}…`)),
    make("td", { role: "cell", class: "scopes", "data-label": "Scopes" },
      make("span", {}, ...token.scopes.map((scope) => make("span", { class: "tag" }, scope)))),
    timeCell("Made", "created"), timeCell("Last used", "used"), timeCell("Ends", "ends"), actionCell(token));
}

function rowOf(token) {
  const { lastUsedAt, ...rest } = token;
  const text = JSON.stringify(rest);
  const row = rows.get(token.id) ?? { element: make("tr", { role: "row", "data-id": token.id }), text: null };
  row.token = token;
  if (row.text !== text) fillRow(row);
  row.text = text;
  rows.set(token.id, row);
  fillTimes(row);
  return row.element;
}

function place(elements) {
  const focused = document.activeElement;
  for (const element of [...body.children]) {
    if (!elements.includes(element)) element.remove();
  }
  elements.forEach((element, at) => {
    if (body.children[at] !== element) body.insertBefore(element, body.children[at] ?? null);
  });
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function showTokens(tokens) {
  const listed = new Set(tokens.map((token) => token.id));
  for (const id of [...rows.keys()]) {
    if (!listed.has(id)) rows.delete(id);
  }
  place(tokens.map(rowOf));
  if (tokens.length === 0) {
    body.replaceChildren(make("tr", { role: "row", class: "empty" },
      make("td", { role: "cell", colspan: "7" }, "No token is like this. Clear the filters to see all.")));
  }
}

// ---- sorting ----

function showSorting() {
  for (const head of byId("tokens-table").querySelectorAll("[data-sort]")) {
    const name = head.dataset.sort;
    if (sort.value === name) head.setAttribute("aria-sort", "ascending");
    else if (sort.value === `-${name}`) head.setAttribute("aria-sort", "descending");
    else head.removeAttribute("aria-sort");
  }
}

function sortBy({ sort: name, first = "" }) {
  if (sort.value === name) sort.value = `-${name}`;
  else if (sort.value === `-${name}`) sort.value = name;
  else sort.value = first + name;
}

// ---- the list ----

// Throws what the request does, and AbortError when another one took its place.
export async function loadTokens() {
  await pages.load("/tokens", query(), ({ tokens }) => {
    showTokens(tokens);
    return tokens.length;
  });
}

export async function countExpiring() {
  const page = await callOrganisation("GET", "/tokens", { query: { page: 1, limit: 1, expiring: "14d" } });
  return page.pagination.total;
}

// All of them, or those that end soon.
export function choose(onlyExpiring) {
  form.reset();
  if (onlyExpiring) {
    byId("filter-expiring").value = "14d";
    sort.value = "expires";
  }
  pages.restart();
  showSorting();
}

export function setOwnId(id) {
  ownId = id;
}

export function clearTokens() {
  pages.clear();
  rows.clear();
  body.replaceChildren();
  form.reset();
}

// `onAsked`: another page or another choice is wanted. `onAction`: functions by the name of their button, called with the token
// and whether it is the one that is signed in.
export function prepareTokens(onAsked, onAction) {
  actions = onAction;
  pages = new Pages("tokens", "token", onAsked);
  let typing = null;
  const restart = () => {
    clearTimeout(typing);
    pages.restart();
    showSorting();
    onAsked();
  };
  watchChoice(form, restart);
  byId("filter-text").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(restart, 300);
  });
  for (const head of byId("tokens-table").querySelectorAll("[data-sort]")) {
    head.querySelector("button").addEventListener("click", () => {
      sortBy(head.dataset);
      restart();
    });
  }
}
