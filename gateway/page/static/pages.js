// SPDX-License-Identifier: MIT
// Pages of a list by a cursor: each page names the next one, and the way back is remembered. Of several requests the last counts.
import { callOrganisation } from "./api.js";
import { byId, say } from "./dom.js";

const FIRST = ""; // the cursor of the first page

export class Pages {
  #cursors = [FIRST];
  #next = null;
  #unit;
  #status;
  #buttons;
  #asked = null; // the AbortController of the last request

  // `name` begins the ids of the buttons and of the line that says how many there are; `unit` is what they are. `onTurned` is called
  // when another page is asked for.
  constructor(name, unit, onTurned) {
    this.#unit = unit;
    this.#status = byId(`${name}-status`);
    this.#buttons = { before: byId(`${name}-before`), next: byId(`${name}-next`) };
    this.#buttons.before.addEventListener("click", () => {
      this.#cursors.pop();
      onTurned();
    });
    this.#buttons.next.addEventListener("click", () => {
      this.#cursors.push(this.#next);
      onTurned();
    });
  }

  get cursor() {
    return this.#cursors.at(-1);
  }

  get number() {
    return this.#cursors.length;
  }

  restart() {
    this.#cursors = [FIRST];
  }

  // Asks for the page and has it shown; `show` returns how many are on it. Throws what the request does, and AbortError when another
  // one took its place.
  async load(path, query, show) {
    this.#asked?.abort();
    const own = this.#asked = new AbortController();
    const page = await callOrganisation("GET", path, { query, signal: own.signal });
    if (own.signal.aborted) return;
    const count = show(page);
    this.#next = page.next;
    this.#buttons.before.disabled = this.number === 1;
    this.#buttons.next.disabled = page.next === null;
    say(this.#status, describe(count, this.#unit, this.number, page.next));
  }

  // What is on its way is not shown any more.
  clear() {
    this.#asked?.abort();
    say(this.#status, "");
  }
}

// `onChosen`: another choice was made in the form.
export function watchChoice(form, onChosen) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onChosen();
  });
  form.addEventListener("change", onChosen);
  form.addEventListener("reset", () => setTimeout(onChosen));
}

// "3 events.", "50 tokens on page 2, and more follow."
function describe(count, unit, number, next) {
  const many = `${count === 0 ? "No" : count} ${unit}${count === 1 ? "" : "s"}`;
  if (number === 1 && next === null) return `${many}.`;
  return `${many} on page ${number}${next === null ? ", the last one." : ", and more follow."}`;
}
