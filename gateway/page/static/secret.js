// SPDX-License-Identifier: MIT
// The secret of a new token: shown once, copied, and gone from the page when the dialog closes.
import { open } from "./dialog.js";
import { byId, say } from "./dom.js";

const dialog = byId("secret");
const field = byId("secret-value");
const status = byId("secret-status");
let isTaken = false; // copied, or said to be stored
let isWarned = false;

// `about`: nodes that say which token it is.
export function showSecret(title, secret, ...about) {
  byId("secret-title").textContent = title;
  byId("secret-about").replaceChildren(...about);
  field.value = secret;
  status.textContent = "";
  isTaken = isWarned = false;
  open(dialog);
  byId("secret-copy").focus();
}

// Outside of a secure context there is no clipboard to write to by itself.
async function copy() {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(field.value);
    } else {
      field.select();
      if (!document.execCommand("copy")) throw new Error("refused");
    }
    isTaken = true;
    say(status, "Copied. Put it where it is needed, then close this.");
  } catch {
    field.focus();
    field.select();
    say(status, "The browser did not let it be copied: it is selected, copy it by hand.");
  }
}

// Escape closes, but not by accident.
function mayClose() {
  if (isTaken || isWarned) return true;
  isWarned = true;
  say(status, "It is not copied yet, and is not shown again. Escape once more closes this all the same.");
  return false;
}

byId("secret-copy").addEventListener("click", copy);
byId("secret-close").addEventListener("click", () => dialog.close());
field.addEventListener("focus", () => field.select());
field.addEventListener("copy", () => {
  isTaken = true;
});
dialog.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  if (mayClose()) dialog.close();
});
dialog.addEventListener("cancel", (event) => {
  if (!mayClose()) event.preventDefault();
});
dialog.addEventListener("close", () => {
  field.value = "";
  byId("secret-about").replaceChildren();
});
