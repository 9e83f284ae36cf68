// The lobby's lines, counters and devices, and the day's totals: what GET …/queue says.

import { byId, make, made, part, setText, sync } from "./dom.js";
import { count, counterName, minutes, name, say, stopwatch } from "./words.js";

const ALWAYS = new Set(["counter", "green", "vip"]);
const LONG_S = 1200;

export class Lobby {
  #shown = new Set(ALWAYS);

  constructor(clock, managers) {
    Object.assign(this, { clock, managers, view: null });
  }

  show(view) {
    this.view = view;
    // A machine calls numbers too, and the feed names it in full: “存取款一体机 crs-1”.
    for (const { device_id: id, kind } of view.devices) this.managers.set(id, `${name("device", kind)} ${id}`);
    this.#totals(view);
    this.#channels(view);
    this.#counters(view);
    this.#devices(view);
    this.tick();
  }

  /** How many people wait now. */
  get waiting() {
    return this.view.channels.reduce((sum, line) => sum + line.waiting, 0);
  }

  /** Let the waits and services that go on grow with the business clock. */
  tick() {
    if (!this.view) return;
    for (const element of document.querySelectorAll("[data-since]")) {
      const seconds = this.clock.since(element.dataset.since);
      setText(element, stopwatch(seconds));
      element.classList.toggle("long", "limit" in element.dataset && seconds > Number(element.dataset.limit));
    }
  }

  #totals(view) {
    const { issued_today: issued, served_today: served, left_today: left } = view;
    const in_service = Math.max(0, issued - served - left - this.waiting);
    const totals = { waiting: this.waiting, in_service, issued, served, left };
    for (const [total, value] of Object.entries(totals)) setText(byId(`total-${total}`), count(value));
  }

  #channels(view) {
    const served = view.counters.filter((c) => c.state === "open").flatMap((c) => c.channels);
    view.channels.filter((line) => line.waiting).forEach((line) => this.#shown.add(line.channel));
    const lines = view.channels.filter((line) => this.#shown.has(line.channel) || served.includes(line.channel));
    const most = Math.max(1, ...lines.map((line) => line.waiting));
    sync(byId("channels"), lines, {
      key: (line) => line.channel,
      create: () => {
        const bar = make("td", "bar-col", make("span", "track", made("span", "bar", "fill")));
        return make("tr", "", made("th", "name"), made("td", "waiting", "n strong"), bar, made("td", "longest", "n"), made("td", "p50", "n"), made("td", "p90", "n"));
      },
      update: (row, line) => {
        row.classList.toggle("empty", !line.waiting);
        row.dataset.channel = line.channel;
        setText(part(row, "name"), name("channel", line.channel));
        setText(part(row, "waiting"), count(line.waiting));
        part(row, "bar").style.setProperty("--part", line.waiting / most);
        const longest = part(row, "longest");
        if (line.waiting) {
          longest.dataset.since = new Date(Date.parse(view.at) - line.longest_wait_s * 1000).toISOString();
          longest.dataset.limit = LONG_S;
        } else {
          delete longest.dataset.since;
          longest.classList.remove("long");
          setText(longest, "–");
        }
        setText(part(row, "p50"), minutes(line.wait.p50_s));
        setText(part(row, "p90"), minutes(line.wait.p90_s));
      },
    });
  }

  #counters(view) {
    const open = view.counters.filter((c) => c.state === "open").length;
    setText(byId("counters-summary"), view.counters.length ? say("counters.summary", { open, all: view.counters.length }) : "");
    const order = new Intl.Collator(undefined, { numeric: true });
    sync(byId("counters"), [...view.counters].sort((a, b) => order.compare(a.counter, b.counter)), {
      key: (counter) => counter.counter,
      none: say("counters.none"),
      create: () => make("li", "tile", made("span", "name", "tile-name"), made("b", "number"), make("span", "tile-state", made("span", "state"), made("time", "since"))),
      update: (tile, counter) => this.#counter(tile, counter),
    });
  }

  #counter(tile, counter) {
    const ticket = counter.serving;
    const state = ticket ? (ticket.state === "called" ? "called" : ticket.state === "held" ? "held" : "serving") : counter.state === "open" ? "idle" : "closed";
    tile.dataset.state = state;
    const machine = this.view.devices.some((device) => device.device_id === counter.counter);
    setText(part(tile, "name"), machine ? counter.counter : counterName(counter.counter, this.managers));
    setText(part(tile, "number"), ticket?.number ?? "—");
    setText(part(tile, "state"), say(`counter.${state}`));
    const since = part(tile, "since");
    if (ticket) since.dataset.since = (state !== "called" && ticket.started_at) || ticket.called_at || ticket.requested_at;
    else {
      delete since.dataset.since;
      setText(since, "");
    }
    tile.title = ticket ? name("business", ticket.business) : "";
  }

  #devices(view) {
    const up = view.devices.filter((device) => device.status === "up").length;
    setText(byId("devices-summary"), view.devices.length ? say("devices.summary", { up, all: view.devices.length }) : "");
    const downFirst = [...view.devices].sort((a, b) => (a.status > b.status ? 1 : a.status < b.status ? -1 : a.device_id < b.device_id ? -1 : 1));
    sync(byId("devices"), downFirst, {
      key: (device) => device.device_id,
      none: say("devices.none"),
      create: () => make("li", "chip", made("span", "mark", "dot"), made("b", "kind"), made("span", "id"), made("span", "state")),
      update: (chip, device) => {
        chip.dataset.state = device.status;
        setText(part(chip, "kind"), name("device", device.kind));
        setText(part(chip, "id"), device.device_id);
        setText(part(chip, "state"), device.status === "up" ? say("devices.up") : (device.detail ?? say("devices.down")));
      },
    });
  }
}
