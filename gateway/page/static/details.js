// SPDX-License-Identifier: MIT
// All that is known of one token.
import { callOrganisation } from "./api.js";
import { open, run } from "./dialog.js";
import { byId, foreign, make } from "./dom.js";
import { exact } from "./words.js";

const dialog = byId("details");
let token = null;

function timeOr(iso, otherwise) {
  return iso ? make("time", { datetime: iso }, exact(iso)) : otherwise;
}

function actorOf(actor) {
  if (!actor) return null;
  return actor.kind === "token" ? make("span", {}, foreign(actor.name), ` (${actor.tokenId})`) : `${actor.name} (operator)`;
}

function rowsOf(shown) {
  return [
    ["Id", make("code", {}, shown.id)],
    ["Begins with", make("code", {}, `${shown.prefix}…`)],
    ["State", shown.reason ? `${shown.state}: ${shown.reason}` : shown.state],
    ["Description", shown.description && foreign(shown.description)],
    ["Scopes", shown.scopes.join(", ")],
    ["Addresses", shown.allowedIps.length > 0 ? shown.allowedIps.join(", ") : "anywhere"],
    ["Bound to the certificate of", shown.boundSan],
    ["Made", timeOr(shown.createdAt)],
    ["Made by", actorOf(shown.createdBy)],
    ["Made from", shown.createdFrom],
    ["Last used", timeOr(shown.lastUsedAt, "never")],
    ["Ends", timeOr(shown.expiresAt, "never")],
    ["Rotates itself", shown.selfRotate ? "yes" : null],
    ["Binds what it makes", shown.bindChildren ? "yes" : null],
    ["Successor of", shown.replaces],
    ["Replaced by", shown.replacedBy],
    ["Revoked", timeOr(shown.revokedAt)],
    ["Revoked by", actorOf(shown.revokedBy)],
    ["Revoked from", shown.revokedFrom],
  ].filter(([, value]) => value !== null && value !== undefined);
}

export async function openDetails(which) {
  token = which;
  byId("details-title").replaceChildren(foreign(which.name));
  byId("details-list").replaceChildren();
  open(dialog);
  await run(dialog, async () => {
    const shown = await callOrganisation("GET", `/tokens/${which.id}`);
    byId("details-list").replaceChildren(...rowsOf(shown).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  });
}

// `onAudit` is called with the id of the token whose audit is asked for.
export function prepareDetails(onAudit) {
  byId("details-audit").addEventListener("click", () => {
    dialog.close();
    onAudit(token.id);
  });
}
