// SPDX-License-Identifier: MIT
// Times and errors in words. Spans are rounded down, as the command line does.

const MINUTE_MS = 60000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const SOON_MS = 14 * DAY_MS;

function count(number, unit) {
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}

export function counted(number, unit) {
  return count(number, unit);
}

function span(ms) {
  if (ms < HOUR_MS) return count(Math.floor(ms / MINUTE_MS), "minute");
  if (ms < DAY_MS) return count(Math.floor(ms / HOUR_MS), "hour");
  return count(Math.floor(ms / DAY_MS), "day");
}

export function ago(thenMs, nowMs) {
  const ms = nowMs - thenMs;
  if (ms < MINUTE_MS) return "just now";
  if (ms >= 365 * DAY_MS) return `${count(Math.floor(ms / (365 * DAY_MS)), "year")} ago`;
  if (ms >= 30 * DAY_MS) return `${count(Math.floor(ms / (30 * DAY_MS)), "month")} ago`;
  return `${span(ms)} ago`;
}

export function ahead(thenMs, nowMs) {
  const ms = thenMs - nowMs;
  if (ms <= 0) return "ended";
  return ms < MINUTE_MS ? "now" : `in ${span(ms)}`;
}

export function exact(iso) {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

// What to do about an error, by its code. The gateway's own sentence stands before it.
const ADVICE = {
  invalid_token: "Sign in with a live token.",
  missing_token: "Sign in with a live token.",
  org_mismatch: "Sign in with a token of this organisation.",
  insufficient_scope: "Sign in with a token that has the scope admin.",
  address_not_allowed: "Use the token from one of its addresses, or sign in with another one.",
  not_found: "It may have been revoked meanwhile: close this, and look at the list.",
  already_created: "Look at the list: revoke that token if nobody has its secret.",
  already_rotated: "Rotate or revoke its successor instead.",
  device_code_not_found: "Compare it with the screen of the person who asks. A code ends after ten minutes, and is approved once.",
  last_admin: "Make another admin token first, or say below that this one goes all the same.",
  request_in_progress: "Try again in two seconds.",
  validation_failed: "Change it, and send it again.",
  too_many_failed_tokens: "Wait a moment before the next try.",
  too_many_logins: "Wait a moment, then try again.",
  rate_limited: "Wait a moment, then try again.",
};

export function adviceFor(error) {
  if (ADVICE[error.code]) return ADVICE[error.code];
  if (error.status === 0) return "Is the gateway running, and the network up? Then try again.";
  return error.isPassing ? "Nothing is wrong with your token, nor with what you typed." : "Ask an operator of the gateway, with the request id.";
}
