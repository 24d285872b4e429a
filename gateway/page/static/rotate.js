// SPDX-License-Identifier: MIT
// Making the successor of a token.
import { callOrganisation, makeKey } from "./api.js";
import { endOf } from "./create.js";
import { open, run } from "./dialog.js";
import { byId, foreign } from "./dom.js";
import { showSecret } from "./secret.js";
import { exact } from "./words.js";

const dialog = byId("rotate");
const form = byId("rotate-form");
let token = null;
let sent = { text: null, key: null };

function keyOf(body) {
  const text = JSON.stringify(body);
  if (sent.text !== text) sent = { text, key: makeKey() };
  return sent.key;
}

export function openRotate(which) {
  token = which;
  form.reset();
  sent = { text: null, key: null };
  dialog.querySelector("[data-name]").replaceChildren(foreign(which.name));
  dialog.querySelector("[data-prefix]").textContent = `${which.prefix}…`;
  open(dialog);
  byId("rotate-overlap").focus();
}

export function prepareRotate(onMade) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { overlapSeconds: Number(byId("rotate-overlap").value), ...endOf(byId("rotate-ends").value, "") };
    await run(dialog, async () => {
      const made = await callOrganisation("POST", `/tokens/${token.id}/rotate`, { body, key: keyOf(body) });
      dialog.close();
      showSecret("Token rotated", made.token, foreign(made.name), `: the old one works until ${exact(made.replaces.expiresAt)}.`);
      onMade(made);
    });
  });
}
