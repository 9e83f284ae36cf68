// The latest events in words, the newest first. A burst is drawn once a frame.

import { byId, make } from "./dom.js";
import { dot, sentence } from "./sentences.js";

const SHOWN = 60;

export class Feed {
  #waiting = [];
  #list = byId("feed");

  constructor(clock, managers) {
    Object.assign(this, { clock, managers });
  }

  add(event) {
    if (!this.#waiting.length) requestAnimationFrame(() => this.#draw());
    this.#waiting.push(event);
    if (this.#waiting.length > SHOWN) this.#waiting.shift();
  }

  #draw() {
    const lines = this.#waiting.splice(0).map((event) => this.#line(event)).filter(Boolean).reverse();
    if (!lines.length) return;
    this.#list.querySelector(".none")?.remove();
    this.#list.prepend(...lines);
    while (this.#list.children.length > SHOWN) this.#list.lastElementChild.remove();
  }

  #line(event) {
    const words = sentence(event, this.clock, this.managers);
    if (!words) return null;
    const time = make("time", "", this.clock.time(event.time));
    time.dateTime = event.time;
    return make("li", `news news-${dot(event)}`, time, make("span", "", words));
  }
}
