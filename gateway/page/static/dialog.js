// SPDX-License-Identifier: MIT
// What all dialogs share: opening, closing, and one request at a time. The browser keeps the focus inside, and gives it back.
import { clearError, showError } from "./dom.js";

const busy = new WeakSet();

export function noticeOf(dialog) {
  return dialog.querySelector("[data-error]");
}

export function open(dialog) {
  const notice = noticeOf(dialog);
  if (notice) clearError(notice);
  dialog.showModal();
  dialog.scrollTop = 0;
}

function setBusy(dialog, isBusy) {
  if (isBusy) busy.add(dialog);
  else busy.delete(dialog);
  for (const button of dialog.querySelectorAll("button")) button.disabled = isBusy;
  dialog.setAttribute("aria-busy", String(isBusy));
}

// Runs an action of the dialog. While it does the dialog stays: the answer may hold a secret. What it throws is shown in the
// dialog, unless the session is over. Returns whether it went well.
export async function run(dialog, action) {
  if (busy.has(dialog)) return false;
  const focused = document.activeElement;
  const notice = noticeOf(dialog);
  clearError(notice);
  setBusy(dialog, true);
  try {
    await action();
    return true;
  } catch (error) {
    if (error.status === undefined) throw error;
    if (error.status !== 401) showError(notice, error);
    return false;
  } finally {
    setBusy(dialog, false);
    if (dialog.open && dialog.contains(focused)) focused.focus();
  }
}

export function isAnyOpen() {
  return document.querySelector("dialog[open]") !== null;
}

export function closeAll() {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
}

// `onClosed` follows each close, when the focus is back where it was.
export function prepare(onClosed) {
  for (const dialog of document.querySelectorAll("dialog")) {
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
    dialog.addEventListener("cancel", (event) => {
      if (busy.has(dialog)) event.preventDefault();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && busy.has(dialog)) event.preventDefault();
    });
    dialog.addEventListener("close", () => onClosed(dialog));
  }
}
