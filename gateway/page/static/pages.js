// SPDX-License-Identifier: MIT
// Pages of a list by a cursor: each page names the next one, and the way back is remembered.
import { byId } from "./dom.js";

export class Pages {
  #cursors;
  #next = null;
  #buttons;

  // `first`: the cursor of the first page. `onTurned` is called when another page is asked for.
  constructor(name, first, onTurned) {
    this.first = first;
    this.#cursors = [first];
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
    this.#cursors = [this.first];
  }

  // Of the page that is shown; null: it is the last one.
  setNext(next) {
    this.#next = next;
    this.#buttons.before.disabled = this.number === 1;
    this.#buttons.next.disabled = next === null;
  }
}

// "3 events.", "50 tokens on page 2, and more follow."
export function describe(count, unit, pages, next) {
  const many = `${count === 0 ? "No" : count} ${unit}${count === 1 ? "" : "s"}`;
  if (pages.number === 1 && next === null) return `${many}.`;
  return `${many} on page ${pages.number}${next === null ? ", the last one." : ", and more follow."}`;
}
