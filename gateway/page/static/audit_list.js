// SPDX-License-Identifier: MIT
// The audit: who did what to which token, newest first.
import { now } from "./api.js";
import { byId, foreign, make, say } from "./dom.js";
import { Pages, watchChoice } from "./pages.js";
import { ago, exact } from "./words.js";

const LIMIT = 50;
const body = byId("audit-rows");
const form = byId("audit-filters");
let pages = null;
let shown = null; // the text of the events that are shown

function query() {
  const day = (id) => byId(id).value && `${byId(id).value}T00:00:00Z`;
  const values = { before: pages.cursor, action: byId("audit-action").value, token: byId("audit-token").value.trim(),
    actor: byId("audit-actor").value.trim(), since: day("audit-since"), until: day("audit-until") };
  return { limit: LIMIT, ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "")) };
}

function tokenOf(event) {
  return make("td", { role: "cell", "data-label": "Token" },
    make("span", {}, event.tokenName ? foreign(event.tokenName) : "", " ", make("code", {}, event.tokenId ?? "")));
}

function actorOf({ actor }) {
  const who = actor.kind === "token" ? make("span", {}, foreign(actor.name ?? ""), " ", make("code", {}, actor.tokenId))
    : actor.kind === "expiry" ? "its time" : make("span", {}, actor.name ? foreign(actor.name) : "an operator");
  return make("td", { role: "cell", "data-label": "By" }, who);
}

function actionOf(event) {
  const more = event.changed?.length > 0 ? `: ${event.changed.join(", ")}` : event.successorId ? ", into " : "";
  return make("td", { role: "cell", "data-label": "What" },
    make("span", {}, make("b", {}, event.action), more, event.successorId ? make("code", {}, event.successorId) : ""));
}

function rowOf(event) {
  const time = make("time", { datetime: event.at, title: exact(event.at) }, ago(Date.parse(event.at), now()));
  return make("tr", { role: "row", "data-id": event.id }, make("td", { role: "cell", "data-label": "When" }, time), actionOf(event),
    tokenOf(event), actorOf(event), make("td", { role: "cell", "data-label": "From" }, event.address ?? ""));
}

// Rows that are the same stay, with what is selected in them; only their times go on.
function showEvents(events) {
  const text = JSON.stringify(events);
  if (text === shown) {
    for (const time of body.querySelectorAll("time")) say(time, ago(Date.parse(time.dateTime), now()));
    return;
  }
  shown = text;
  body.replaceChildren(...events.map(rowOf));
  if (events.length === 0) {
    body.append(make("tr", { role: "row", class: "empty" }, make("td", { role: "cell", colspan: "5" }, "Nothing like this was done.")));
  }
}

export async function loadAudit() {
  await pages.load("/audit", query(), ({ events }) => {
    showEvents(events);
    return events.length;
  });
}

// The whole, or that of one token.
export function chooseAudit(tokenId = "") {
  form.reset();
  byId("audit-token").value = tokenId;
  pages.restart();
}

export function clearAudit() {
  pages.clear();
  shown = null;
  body.replaceChildren();
  form.reset();
}

export function prepareAudit(onAsked) {
  pages = new Pages("audit", "event", onAsked);
  watchChoice(form, () => {
    pages.restart();
    onAsked();
  });
}
