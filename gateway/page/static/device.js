// SPDX-License-Identifier: MIT
// The page that approves a login by a code, in three views: the code and the token are typed, who asks is shown, it is approved.
// Nothing is taken from the address, so that no link can bring a code along. The token is forgotten with the second view.
import * as api from "./api.js";
import { byId, clearError, foreign, make, show, showError } from "./dom.js";
import { askWho, nextOf } from "./sign_in.js";
import { ago, ahead, exact } from "./words.js";

const VIEWS = ["code", "asking", "done"];
// The members of the approval that a refusal may name, and where they are typed.
const FIELDS = { scopes: "scope-read", expiresIn: "life", name: "person", email: "email" };

let waiting = null; // what the gateway knows of the login that is shown
let visit = 0; // of the page: an answer to what was asked before it was left or begun anew is not shown

function go(view) {
  for (const name of VIEWS) show(byId(`view-${name}`), name === view);
}

// With nothing of what was typed or shown before.
function restart() {
  visit += 1;
  api.end();
  waiting = null;
  byId("code-form").reset();
  byId("asking-form").reset();
  for (const id of ["asking-list", "done-text"]) byId(id).replaceChildren();
  for (const id of ["code-error", "asking-error"]) clearError(byId(id));
  go("code");
  byId("code").focus();
}

// One request at a time. What it throws is shown in `notice`, with what to do about it.
async function run(form, notice, action, next = () => undefined) {
  if (form.getAttribute("aria-busy") === "true") return;
  const own = visit;
  const button = form.querySelector("[type=submit]");
  clearError(notice);
  form.setAttribute("aria-busy", "true");
  button.disabled = true;
  try {
    await action(() => own === visit);
  } catch (error) {
    if (error.status === undefined) throw error;
    if (own === visit) showError(notice, error, next(error));
  } finally {
    form.setAttribute("aria-busy", "false");
    button.disabled = false;
  }
}

// ---- who asks ----

function term(name, ...values) {
  return [make("dt", {}, name), make("dd", {}, ...values)];
}

function timeOf(iso, words) {
  return make("time", { datetime: iso, title: exact(iso) }, words(Date.parse(iso), api.now()));
}

function showAsking(who) {
  byId("asking-list").replaceChildren(
    ...term("Code", make("code", {}, waiting.userCode)),
    ...term("From", waiting.requestedFrom ?? "an unknown address"),
    ...term("Program", foreign(waiting.userAgent ?? "unknown")),
    ...term("Since", timeOf(waiting.requestedAt, ago)),
    ...term("Code ends", timeOf(waiting.expiresAt, ahead)),
    ...term("Gets in to", foreign(who.org.name)),
  );
  byId("token").value = "";
  go("asking");
  byId("asking-title").focus();
}

function onCode(event) {
  event.preventDefault();
  const notice = byId("code-error");
  run(byId("code-form"), notice, async (isStill) => {
    try {
      const userCode = byId("code").value.trim();
      if (userCode === "") throw new api.ApiError(422, "", "Type the code first.");
      const who = await askWho(byId("token").value.trim());
      const found = await api.call("POST", "/auth/cli/lookup", { body: { userCode } });
      if (!isStill()) return;
      waiting = found;
      showAsking(who);
    } catch (error) {
      if (isStill()) api.end();
      throw error;
    }
  }, (error) => (error.message === "Type the code first." ? "It is on the screen of the person who asks." : nextOf(error)));
}

// ---- the approval ----

function approval() {
  const body = { userCode: waiting.userCode, scopes: [byId("asking-form").querySelector("[name=scope]:checked").value],
    expiresIn: Number(byId("life").value) };
  const name = byId("person").value.trim();
  const email = byId("email").value.trim();
  if (name !== "") body.name = name;
  if (email !== "") body.email = email;
  return body;
}

function markField(error) {
  const field = error.code === "validation_failed" && byId(FIELDS[/^[a-zA-Z]+/.exec(error.message)?.[0]]);
  if (!field) return;
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

function showDone(done) {
  const text = [make("code", {}, done.userCode), " gets a token of ", foreign(done.org), `, ${done.scopes.join(", ")}, that ends `,
    timeOf(done.expiresAt, ahead), ". ", make("code", {}, "skillreg login"), " on their screen goes on by itself."];
  api.end();
  byId("asking-list").replaceChildren();
  byId("done-text").replaceChildren(...text);
  go("done");
  byId("done-title").focus();
}

function onApprove(event) {
  event.preventDefault();
  const form = byId("asking-form");
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  run(form, byId("asking-error"), async (isStill) => {
    try {
      const done = await api.call("POST", "/auth/cli/approve", { body: approval() });
      if (isStill()) showDone(done);
    } catch (error) {
      if (isStill() && error.status === 401) { // revoked meanwhile
        restart();
        showError(byId("code-error"), error);
        return;
      }
      if (isStill()) markField(error);
      throw error;
    }
  });
}

byId("code-form").addEventListener("submit", onCode);
byId("asking-form").addEventListener("submit", onApprove);
byId("cancel").addEventListener("click", restart);
byId("another").addEventListener("click", restart);
window.addEventListener("pagehide", restart); // a page that is kept for the way back has no token either
restart();
