// The branch's events as they happen. The browser resumes by itself with Last-Event-ID; where it gives up
// (the server was away, or refused), we begin anew behind the last event that we saw.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

export class Stream {
  #position = "";
  #delay = FIRST_DELAY_MS;
  #source = null;

  /** `onEvent(cloudEvent)` for every event, once; `onState("live" | "reconnecting")` when that changes. */
  constructor(url, types, { onEvent, onState, onDenied }) {
    Object.assign(this, { url, types, onEvent, onState, onDenied });
    addEventListener("pagehide", () => this.#source?.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  open() {
    this.#source?.close();
    const source = (this.#source = new EventSource(this.#position ? `${this.url}?after=${this.#position}` : this.url));
    source.onopen = () => {
      this.#delay = FIRST_DELAY_MS;
      this.onState("live");
    };
    source.onerror = () => {
      this.onState("reconnecting");
      if (source.readyState === EventSource.CLOSED) this.#again();
    };
    const take = (message) => this.#take(message);
    source.onmessage = take;
    for (const type of this.types) source.addEventListener(type, take);
  }

  #take(message) {
    if (message.lastEventId && message.lastEventId === this.#position) return;
    this.#position = message.lastEventId;
    this.onEvent(JSON.parse(message.data));
  }

  async #again() {
    setTimeout(() => this.open(), this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
    if (!this.#position) return;
    // An EventSource does not tell why it was refused; a look at the same address does.
    const answer = await fetch(`${this.url}?after=${this.#position}`, { method: "HEAD" }).catch(() => null);
    if (answer && [410, 422].includes(answer.status)) this.#position = "";
    if (answer && answer.status === 401) this.onDenied();
  }
}
