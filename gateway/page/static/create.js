// SPDX-License-Identifier: MIT
// Making a token. A request whose answer got lost is sent again with its key, so that no second token is made.
import { callOrganisation, makeKey } from "./api.js";
import { noticeOf, open, run } from "./dialog.js";
import { byId, foreign, show } from "./dom.js";
import { showSecret } from "./secret.js";

const DAY_S = 86400;
const dialog = byId("create");
const form = byId("create-form");
let sent = { text: null, key: null };

// The members of the request that a refusal may name, and where they are typed.
const FIELDS = { name: "create-name", description: "create-description", scopes: "scope-read", expiresAt: "create-ends",
  expiresIn: "create-ends", allowedIps: "create-ips", selfRotate: "create-self-rotate", bindChildren: "create-bind" };

// In the form of the API: a length, which the gateway's clock counts, or the beginning of a day.
export function endOf(value, day) {
  if (value === "" || value === "never") return {};
  if (value === "date") return { expiresAt: day ? `${day}T00:00:00Z` : "" };
  return { expiresIn: Number.parseInt(value, 10) * DAY_S };
}

function addresses() {
  return byId("create-ips").value.split(/[\s,]+/).filter((text) => text !== "");
}

function request() {
  const scopes = Array.from(form.querySelectorAll("[name=scope]:checked"), (box) => box.value);
  const body = { name: byId("create-name").value.trim(), scopes, ...endOf(byId("create-ends").value, byId("create-day").value) };
  const description = byId("create-description").value.trim();
  if (description !== "") body.description = description;
  if (addresses().length > 0) body.allowedIps = addresses();
  if (byId("create-self-rotate").checked) body.selfRotate = true;
  if (byId("create-bind").checked && scopes.includes("admin")) body.bindChildren = true;
  return body;
}

function keyOf(body) {
  const text = JSON.stringify(body);
  if (sent.text !== text) sent = { text, key: makeKey() };
  return sent.key;
}

function markField(error) {
  const member = /^[a-zA-Z]+/.exec(error.message)?.[0];
  const field = FIELDS[member] && byId(FIELDS[member]);
  if (!field) return;
  field.setAttribute("aria-invalid", "true");
  setTimeout(() => field.focus());
}

function unmark() {
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

function showFields() {
  show(byId("create-day-field"), byId("create-ends").value === "date");
  show(byId("create-bind-field"), byId("scope-admin").checked);
}

export function openCreate() {
  form.reset();
  unmark();
  showFields();
  sent = { text: null, key: null };
  open(dialog);
  byId("create-name").focus();
}

// `onMade` follows with the token, whose secret is shown.
export function prepareCreate(onMade) {
  form.addEventListener("change", showFields);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    unmark();
    const body = request();
    await run(dialog, async () => {
      let made;
      try {
        made = await callOrganisation("POST", "/tokens", { body, key: keyOf(body) });
      } catch (error) {
        if (error.code === "validation_failed") markField(error);
        throw error;
      }
      dialog.close();
      showSecret("Token created", made.token, foreign(made.name), ", ", made.scopes.join(", "));
      onMade(made);
    });
    if (dialog.open) noticeOf(dialog).scrollIntoView({ block: "nearest" });
  });
}
