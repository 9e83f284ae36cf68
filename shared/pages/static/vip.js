// VIP customers on their way to a manager, and the managers on duty: what GET …/vip says.

import { byId, make, made, part, setText, sync } from "./dom.js";
import { name, say } from "./words.js";

const ORDER = ["escalated", "waiting", "offered", "accepted"];

export class Vip {
  /** `managers` (id → name) is filled here and read by everything that names a manager. */
  constructor(clock, managers) {
    Object.assign(this, { clock, managers });
  }

  show(view) {
    if (!view) {
      sync(byId("vip"), [], { none: say("state.forbidden") });
      return;
    }
    for (const manager of view.managers) this.managers.set(manager.manager_id, manager.name ?? manager.manager_id);
    this.#handoffs(view.handoffs.filter((handoff) => ORDER.includes(handoff.state)));
    this.#managers(view.managers.filter((manager) => manager.on_duty));
  }

  #handoffs(handoffs) {
    const open = handoffs.filter((handoff) => handoff.state !== "accepted").length;
    setText(byId("vip-summary"), handoffs.length ? say("vip.summary", { open }) : "");
    sync(byId("vip"), handoffs.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state)), {
      key: (handoff) => handoff.handoff_id,
      none: say("vip.none"),
      create: () => make("li", "card", made("b", "number", "card-number"), make("span", "card-body", made("span", "who"), made("small", "more")), made("span", "state", "state")),
      update: (card, handoff) => {
        card.dataset.state = handoff.state;
        setText(part(card, "number"), handoff.number ?? "VIP");
        const manager = this.managers.get(handoff.manager_id) ?? handoff.manager_id;
        setText(part(card, "who"), [name("tier", handoff.tier), manager].filter(Boolean).join(" → "));
        setText(part(card, "more"), this.#more(handoff).join(" · "));
        setText(part(card, "state"), name("handoff", handoff.state));
      },
    });
  }

  #more(handoff) {
    const more = [];
    if (handoff.state === "offered" && handoff.offered_until) more.push(say("vip.until", { time: this.clock.time(handoff.offered_until) }));
    if (handoff.attempt > 1 && handoff.state !== "accepted") more.push(say("vip.attempt", { attempt: handoff.attempt }));
    if (handoff.in_lounge) more.push(say("vip.lounge"));
    if (handoff.in_lounge && handoff.promised_at) more.push(say("vip.promised", { time: this.clock.short(handoff.promised_at) }));
    return more;
  }

  #managers(managers) {
    sync(byId("managers"), managers, {
      key: (manager) => manager.manager_id,
      none: say("vip.no_managers"),
      create: () => make("li", "chip", made("span", "mark", "dot"), made("b", "name"), made("span", "kind"), made("span", "load")),
      update: (chip, manager) => {
        chip.dataset.state = manager.load >= manager.max_load ? "busy" : "up";
        setText(part(chip, "name"), manager.name ?? manager.manager_id);
        setText(part(chip, "kind"), name("manager", manager.kind));
        setText(part(chip, "load"), say("vip.load", { load: manager.load, max: manager.max_load }));
      },
    });
  }
}
