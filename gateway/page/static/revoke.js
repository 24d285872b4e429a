// SPDX-License-Identifier: MIT
// Revoking a token, and how far that has spread when the gateway answers.
import { callOrganisation } from "./api.js";
import { open, run } from "./dialog.js";
import { byId, foreign, make, say, show } from "./dom.js";
import { counted, exact } from "./words.js";

const WAIT_S = 10;
const dialog = byId("revoke");
const form = byId("revoke-form");
const progress = dialog.querySelector("[data-progress]");
let token = null;

export function openRevoke(which, isOwn) {
  token = which;
  form.reset();
  say(progress, "");
  show(byId("revoke-last-field"), false);
  show(dialog.querySelector("[data-own]"), isOwn);
  dialog.querySelector("[data-name]").replaceChildren("“", foreign(which.name), "”");
  dialog.querySelector("[data-prefix]").textContent = `${which.prefix}…`;
  open(dialog);
  dialog.querySelector("[data-close]").focus(); // what does no harm
}

function query() {
  const kin = form.elements.kin.value;
  return { wait: `${WAIT_S}s`, ...(kin === "" ? {} : { [kin]: "true" }), ...(byId("revoke-last").checked ? { last: "true" } : {}) };
}

// Counts the seconds, so that it is seen to go on; a screen reader is told once.
function startProgress() {
  const shown = make("span", { "aria-hidden": "true" });
  progress.replaceChildren(`Revoking. Waiting until every gateway refuses it, for ${WAIT_S} seconds at the most.`, shown);
  let seconds = 0;
  const timer = setInterval(() => {
    seconds += 1;
    shown.textContent = ` ${seconds} s`;
  }, 1000);
  return () => {
    clearInterval(timer);
    progress.replaceChildren();
  };
}

// In the words of what the answer says; null: the gateway cannot know.
function spreadOf(answer) {
  if (answer.status === 200) {
    const confirmed = answer.gateways === 1 ? "the one gateway has" : `${answer.gateways} gateways have`;
    return `No gateway lets it in any more: ${confirmed} confirmed it.`;
  }
  if (answer.pending === null) return "The gateway that answered hears nothing of the others now, and cannot know how far it has spread.";
  const parts = [];
  const add = (number, one, many) => number > 0 && parts.push(`${counted(number, "gateway")} ${number === 1 ? one : many}`);
  add(answer.pending, "runs and has not done so yet", "run and have not done so yet");
  add(answer.silent, "is not heard of", "are not heard of");
  const until = answer.until ? ` One of them may let it in until ${exact(answer.until)} at the latest.` : "";
  return `Not every gateway has confirmed it: ${parts.join(", ")}.${until}`;
}

function kinOf(answer) {
  return (answer.chain ?? answer.successors ?? []).map((one) =>
    make("li", {}, foreign(one.name), ` (${one.id}): ${one.revokedAt ? "revoked too" : "live, it came of this one by rotation"}`));
}

function report(answer, spread) {
  const more = kinOf(answer);
  byId("done-title").replaceChildren("“", foreign(answer.name), "” is revoked");
  byId("done-more").replaceChildren(...more);
  show(byId("done-more"), more.length > 0);
  open(byId("done"));
  byId("done-text").textContent = spread; // after it is shown, so that it is told
}

// The answer got lost: was it done?
async function lookAgain(error) {
  const now = await callOrganisation("GET", `/tokens/${token.id}`).catch(() => null);
  if (now?.state !== "revoked") throw error;
  return now;
}

async function revoke() {
  const stop = startProgress();
  try {
    const answer = await callOrganisation("DELETE", `/tokens/${token.id}`, { query: query() });
    return { answer, spread: spreadOf(answer) };
  } catch (error) {
    if (error.code === "last_admin") show(byId("revoke-last-field"), true);
    if (error.status !== 0) throw error;
    return { answer: await lookAgain(error), spread: "The answer got lost, so how far it has spread is not known." };
  } finally {
    stop();
  }
}

// `onRevoked` follows with whether it was the token that asked.
export function prepareRevoke(onRevoked) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await run(dialog, async () => {
      const { answer, spread } = await revoke();
      dialog.close();
      report(answer, spread);
      onRevoked(answer.own === true);
    });
  });
}
