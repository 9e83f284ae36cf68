// The incidents that are open: what GET …/incidents says.

import { byId, make, made, part, setText, sync } from "./dom.js";
import { list, name, say } from "./words.js";

const GRAVITY = ["high", "medium", "low"];

export class Incidents {
  constructor(clock) {
    this.clock = clock;
  }

  show(view) {
    if (!view) {
      sync(byId("incidents"), [], { none: say("state.forbidden") });
      return;
    }
    const open = view.incidents.filter((incident) => incident.state === "open");
    const closed = view.incidents.length - open.length;
    setText(byId("incidents-summary"), view.incidents.length ? say("incidents.summary", { open: open.length, closed }) : "");
    sync(byId("incidents"), open.sort((a, b) => GRAVITY.indexOf(a.severity) - GRAVITY.indexOf(b.severity)), {
      key: (incident) => incident.incident_id,
      none: say("incidents.none"),
      create: () => make("li", "card incident", make("span", "card-body", made("b", "kind"), made("span", "summary"), made("small", "more")), made("span", "severity", "state")),
      update: (card, incident) => {
        card.dataset.severity = incident.severity;
        setText(part(card, "kind"), name("incident", incident.kind));
        setText(part(card, "summary"), incident.summary);
        setText(part(card, "more"), this.#more(incident).join(" · "));
        setText(part(card, "severity"), name("severity", incident.severity));
      },
    });
  }

  #more(incident) {
    const steps = incident.steps.map((step) => name("step", step.step));
    return [
      incident.where,
      say("incidents.since", { time: this.clock.short(incident.happened_at) }),
      steps.length ? list(steps) : "",
    ].filter(Boolean);
  }
}
