// SPDX-License-Identifier: MIT
// The session, and requests of the gateway's API. The token is in the memory of this module and nowhere else: neither in a cookie
// nor in a storage, and not in an address. A request goes to the origin of the page alone.

let token = null;
let organisation = null;
let clockAheadMs = 0; // of the gateway, before the clock here
let onRefused = () => {};

// What the gateway refused with, or (status 0) that no answer came.
export class ApiError extends Error {
  constructor(status, code, message, requestId = null, retryAfterS = 0) {
    super(message);
    Object.assign(this, { status, code, requestId, retryAfterS });
  }

  // The gateway may answer the same request a while later.
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

// `then` is called with the error when the token of the session is refused (401), which ends it.
export function whenRefused(then) {
  onRefused = then;
}

export function looksLikeToken(text) {
  return /^(sr_live_|sr_test_|sk_)[A-Za-z0-9_-]{20,255}$/.test(text);
}

export function begin(secret) {
  token = secret;
}

export function setOrganisation(slug) {
  organisation = slug;
}

export function end() {
  token = organisation = null;
}

export function hasSession() {
  return token !== null;
}

// By the gateway's clock, milliseconds since 1970.
export function now() {
  return Date.now() + clockAheadMs;
}

function noteClock(response) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isFinite(date) && Math.abs(date - Date.now()) > 2000) clockAheadMs = date - Date.now();
  else clockAheadMs = 0;
}

async function errorOf(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // Not of the gateway, perhaps of a proxy before it.
  }
  return new ApiError(response.status, error.code ?? "", error.message ?? `The answer was ${response.status}, without a message.`,
    response.headers.get("X-Request-Id"), Number(response.headers.get("Retry-After")) || 0);
}

function addressOf(path, query) {
  const parameters = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined));
  return `/api/v1${path}${parameters.size > 0 ? `?${parameters}` : ""}`;
}

async function send(method, path, { query, body, key, signal }) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  try {
    return await fetch(addressOf(path, query), {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal,
      cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
    });
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new ApiError(0, "", "The gateway does not answer.");
  }
}

// The document of the answer, with its status as `status`. Throws ApiError, or AbortError of `signal`.
export async function call(method, path, options = {}) {
  const asked = token;
  const response = await send(method, path, options);
  noteClock(response);
  if (response.ok) {
    try {
      return { ...(await response.json()), status: response.status };
    } catch (failure) {
      if (failure.name === "AbortError") throw failure;
      throw new ApiError(0, "", "The answer of the gateway broke off.");
    }
  }
  const error = await errorOf(response);
  if (error.status === 401 && asked === token && organisation !== null) onRefused(error);
  throw error;
}

export function callOrganisation(method, path, options) {
  return call(method, `/orgs/${organisation}${path}`, options);
}

// For one request and its repetitions: the gateway makes one token for all of them.
export function makeKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
