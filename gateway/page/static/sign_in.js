// SPDX-License-Identifier: MIT
// From a token that was typed to a session of an admin: the token is asked who it is.
import * as api from "./api.js";

// What whoami says. Throws ApiError, also where the text is no token or the token no admin's; api.end() forgets it then.
export async function askWho(secret) {
  if (!api.looksLikeToken(secret)) {
    throw new api.ApiError(422, "", "That is not a token: it begins with sr_live_, sr_test_ or sk_.");
  }
  api.begin(secret);
  const who = await api.call("GET", "/auth/whoami");
  if (!who.token.scopes.includes("admin")) {
    throw new api.ApiError(403, "", `The token ${who.token.name} has the scopes ${who.token.scopes.join(", ")} alone.`);
  }
  return who;
}

// What to do about an error of askWho; undefined: what fits every error of its code.
export function nextOf(error) {
  if (error.code !== "") return undefined;
  return error.status === 422 ? "Paste the whole token." : error.status === 403 ? "Sign in with one that has the scope admin." : undefined;
}
