// SPDX-License-Identifier: MIT
// The page as a whole: signing in and out, its views, and reading anew what is shown.
import * as api from "./api.js";
import { chooseAudit, clearAudit, loadAudit, prepareAudit } from "./audit_list.js";
import { openCreate, prepareCreate } from "./create.js";
import { openDetails, prepareDetails } from "./details.js";
import * as dialogs from "./dialog.js";
import { byId, clearError, say, show, showError } from "./dom.js";
import { openRevoke, prepareRevoke } from "./revoke.js";
import { openRotate, prepareRotate } from "./rotate.js";
import { askWho, nextOf } from "./sign_in.js";
import { choose, clearTokens, countExpiring, loadTokens, prepareTokens, setOwnId } from "./token_list.js";
import { adviceFor } from "./words.js";

const POLL_MS = 5000;
const COUNT_EVERY = 6; // polls

// What holds something of the organisation, besides the lists.
const SHOWN = ["who-org", "who-token", "done-title", "done-text", "done-more", "details-title", "details-list", "secret-about"];

let view = null;
let poll = null; // the timer of the next one
let polls = 0;
let goneWith = false; // the token that is signed in was revoked here

// ---- what is shown ----

function titleOf(name) {
  return name === "audit" ? byId("audit-title") : byId("tokens-title");
}

function noteOutage(error) {
  const isOver = byId("outage").textContent.includes(error.message);
  if (isOver) return; // and was told
  const next = error.isPassing ? `${adviceFor(error)} You stay signed in; what is shown may be old, and is read anew by itself.`
    : adviceFor(error);
  showError(byId("outage"), error, next);
}

// Reads the view anew. An outage is told and ends by itself; a 401 has ended the session.
async function load() {
  try {
    await (view === "audit" ? loadAudit() : loadTokens());
    clearError(byId("outage"));
    return 0;
  } catch (error) {
    if (error.name === "AbortError" || error.status === 401) return 0;
    if (error.status === undefined) throw error;
    noteOutage(error);
    return error.isPassing ? error.retryAfterS * 1000 : 0;
  }
}

async function showExpiring() {
  const count = await countExpiring().catch(() => null);
  if (count === null || !api.hasSession()) return;
  const shown = byId("expiring-count");
  show(shown, count > 0);
  say(shown, String(count));
  byId("go-expiring").setAttribute("aria-label", count > 0 ? `Expiring soon, ${count}` : "Expiring soon");
}

// ---- reading anew: while the page is seen, and nothing is open above it ----

function pollLater(ms) {
  clearTimeout(poll);
  poll = api.hasSession() && !document.hidden ? setTimeout(onPoll, ms) : null;
}

async function onPoll() {
  let wait = 0;
  if (!dialogs.isAnyOpen()) {
    wait = await load();
    polls += 1;
    if (polls % COUNT_EVERY === 0) showExpiring();
  }
  pollLater(Math.max(POLL_MS, wait));
}

async function reload() {
  clearTimeout(poll);
  const wait = await load();
  pollLater(Math.max(POLL_MS, wait));
}

function onSeen() {
  if (document.hidden) clearTimeout(poll);
  else if (api.hasSession()) onPoll();
}

// ---- views ----

function go(name) {
  view = name;
  for (const button of document.querySelectorAll("[data-view]")) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  show(byId("view-tokens"), name !== "audit");
  show(byId("view-audit"), name === "audit");
  byId("tokens-title").textContent = name === "expiring" ? "Expiring soon" : "Tokens";
  document.title = `${titleOf(name).textContent} · ${byId("who-org").textContent} · SkillReg tokens`;
  clearError(byId("outage"));
  titleOf(name).focus();
  showExpiring();
  return reload();
}

function onView({ currentTarget }) {
  const name = currentTarget.dataset.view;
  if (name === "audit") chooseAudit();
  else choose(name === "expiring");
  go(name);
}

// ---- the session ----

function showSignedIn(isSignedIn) {
  show(byId("view-sign-in"), !isSignedIn);
  show(byId("signed-in"), isSignedIn);
  show(byId("who"), isSignedIn);
  show(byId("sign-out"), isSignedIn);
}

// Forgets the token and all that it has shown. `error`: why, when it was not asked for.
function signOut(error = null, next = undefined) {
  clearTimeout(poll);
  api.end();
  dialogs.closeAll();
  clearTokens();
  clearAudit();
  clearError(byId("outage"));
  for (const id of SHOWN) byId(id).replaceChildren();
  show(byId("expiring-count"), false);
  document.title = "SkillReg tokens";
  showSignedIn(false);
  if (error) showError(byId("sign-in-error"), error, next);
  else clearError(byId("sign-in-error"));
  byId("token").focus();
}

function enter(who) {
  setOwnId(who.token.id);
  goneWith = false;
  byId("who-org").textContent = who.org.name;
  byId("who-token").textContent = who.token.name;
  api.setOrganisation(who.org.slug);
  byId("token").value = "";
  clearError(byId("sign-in-error"));
  showSignedIn(true);
  choose(false);
  polls = 0;
  return go("tokens");
}

async function onSignIn(event) {
  event.preventDefault();
  const button = byId("sign-in");
  clearError(byId("sign-in-error"));
  button.disabled = true;
  try {
    await enter(await askWho(byId("token").value.trim()));
  } catch (error) {
    if (error.status === undefined) throw error;
    api.end();
    showError(byId("sign-in-error"), error, nextOf(error));
    byId("token").focus();
  } finally {
    button.disabled = false;
  }
}

// ---- the beginning ----

function onChanged() {
  showExpiring();
  load();
}

function onRevoked(isOwn) {
  goneWith = isOwn;
  if (!isOwn) onChanged();
}

function onDialogClosed(dialog) {
  if (dialog.id === "done" && goneWith) {
    signOut();
    return;
  }
  setTimeout(() => {
    if (document.activeElement === document.body && api.hasSession() && !dialogs.isAnyOpen()) titleOf(view).focus();
  });
}

function onAuditOf(id) {
  chooseAudit(id);
  go("audit");
}

dialogs.prepare(onDialogClosed);
prepareCreate(onChanged);
prepareRotate(onChanged);
prepareRevoke(onRevoked);
prepareDetails(onAuditOf);
prepareTokens(reload, { Details: openDetails, Rotate: openRotate, Revoke: openRevoke });
prepareAudit(reload);
api.whenRefused((error) => signOut(error));
byId("sign-in-form").addEventListener("submit", onSignIn);
byId("sign-out").addEventListener("click", () => signOut());
byId("open-create").addEventListener("click", openCreate);
for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", onView);
document.addEventListener("visibilitychange", onSeen);
window.addEventListener("pagehide", () => signOut()); // a page that is kept for the way back has no token either
showSignedIn(false);
byId("token").focus();
