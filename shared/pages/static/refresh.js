// Reads the branch's figures anew when something happened: soon, but not at every event of a burst.

const DEBOUNCE_MS = 300;
const SHORTEST_MS = 1000;
const LONGEST_MS = 10_000;

/** Get JSON; null where this token may not see it. Throws where nothing can be had; `status` says why. */
export async function getJson(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(8000) });
  if (answer.status === 403) return null;
  if (!answer.ok) throw Object.assign(new Error(`${path}: ${answer.status}`), { status: answer.status });
  return answer.json();
}

export class Refresher {
  #timer = 0;
  #due = Infinity;
  #began = -Infinity;
  #running = false;
  #again = false;

  /** `refresh()` is called DEBOUNCE_MS after a hint, at most once in SHORTEST_MS, at least once in LONGEST_MS. */
  constructor(refresh) {
    this.refresh = refresh;
  }

  /** Something has changed. */
  hint() {
    this.#plan(Math.max(performance.now() + DEBOUNCE_MS, this.#began + SHORTEST_MS));
  }

  /** Do it now. */
  now() {
    this.#plan(performance.now());
  }

  #plan(when) {
    if (this.#running) {
      this.#again = true;
      return;
    }
    if (when >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = when;
    this.#timer = setTimeout(() => this.#run(), Math.max(0, when - performance.now()));
  }

  async #run() {
    this.#due = Infinity;
    this.#running = true;
    this.#again = false;
    this.#began = performance.now();
    try {
      await this.refresh();
    } finally {
      this.#running = false;
    }
    if (this.#again) this.hint();
    else this.#plan(this.#began + LONGEST_MS);
  }
}
