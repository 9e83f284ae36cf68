// Says honestly whether the figures are live: the stream is open and they could be read a moment ago.

import { byId, setText } from "./dom.js";
import { say } from "./words.js";

const LOST_AFTER_MS = 10_000;

export class Connection {
  #stream = "connecting";
  #brokenSince = performance.now();
  #failing = false;
  #asOf = null;

  constructor(clock) {
    this.clock = clock;
  }

  stream(state) {
    this.#stream = state;
    this.#show();
  }

  /** The figures could be read; they are from this business time. */
  read(at) {
    this.#asOf = at;
    this.#failing = false;
    this.#show();
  }

  failed() {
    this.#failing = true;
    this.#show();
  }

  /** Time passes: what is being reconnected for long is lost. */
  tick() {
    this.#show();
  }

  #state() {
    if (this.#stream === "live" && !this.#failing) {
      this.#brokenSince = null;
      return "live";
    }
    this.#brokenSince ??= performance.now();
    if (performance.now() - this.#brokenSince > LOST_AFTER_MS) return "lost";
    return this.#stream === "connecting" ? "connecting" : "reconnecting";
  }

  #show() {
    const state = this.#state();
    byId("connection").dataset.state = state;
    document.body.classList.toggle("stale", state === "lost");
    setText(byId("connection-words"), say(`state.${state}`));
    const notice = byId("notice");
    notice.hidden = state !== "lost";
    if (state === "lost") {
      setText(notice, this.#asOf === null ? say("state.no_figures") : say("state.as_of", { time: this.clock.time(this.#asOf) }));
    }
  }
}
