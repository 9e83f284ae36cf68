// An event in words: “A012 请到 3 号窗口”.

import { counterName, has, minutes, name, say, stopwatch } from "./words.js";

// Steps that only matter to machines, or repeat what another event of the same moment says.
const SILENT = new Set(["lobby.triage.visit_ended.v1", "lobby.triage.ticket_printed.v1", "lobby.terminal.ticket_printed.v1"]);

const DOTS = [
  [/^lobby\.triage\.ticket_(called|recalled)/, "called"],
  [/^lobby\.triage\.(service_started|ticket_completed|ticket_resumed|counter_opened)/, "good"],
  [/^lobby\.triage\.starvation_alarmed/, "alarm"],
  [/^lobby\.triage\.(ticket_left|wait_promise_breached|threshold_crossed|diversion_fell_back|ticket_no_show|ticket_refused)/, "warn"],
  [/^lobby\.vip\./, "vip"],
  [/^lobby\.incidents\..*_opened/, "alarm"],
];

/** The event's sentence, or null where it is not for people. */
export function sentence({ type, data }, clock, managers) {
  const key = `event.${type}`;
  if (SILENT.has(type) || !has(key)) return null;
  return say(key, words(type, data, clock, managers)).trim();
}

export function dot({ type, data }) {
  if (type.startsWith("lobby.triage.device_changed") && data.status === "down") return "alarm";
  return DOTS.find(([pattern]) => pattern.test(type))?.[1] ?? "plain";
}

function words(type, data, clock, managers) {
  const at = (instant) => (instant ? clock.short(instant) : "");
  const said = {
    ...data,
    number: data.number ?? "",
    business: name("business", data.business),
    channel: name("channel", data.channel),
    from_channel: name("channel", data.from_channel),
    tier: name("tier", data.tier),
    stage: name("stage", data.stage),
    outcome: name("outcome", data.outcome),
    task: name("task", data.task),
    check: name("check", data.kind),
    note: name("note", data.kind),
    incident: name("incident", data.kind),
    device: name("device", data.kind),
    step: name("step", data.step),
    withdrawn: name("withdrawn", data.reason),
    manager: managers.get(data.manager_id) ?? data.manager_id,
    promised_at: at(data.promised_at),
    due_at: at(data.due_at),
    why: data.reason?.[document.documentElement.lang === "en" ? "en" : "zh"],
    cause: name("cause", data.cause),
    slot_at: at(data.slot_at),
    arrival: name("arrival", data.arrival),
    action: name("care", data.action),
    measure: name("measure", data.measure),
    crossed: name("crossed", data.above),
    on_duty: data.managers?.filter((manager) => manager.on_duty !== false).length,
  };
  if (data.counter) said.counter = counterName(data.counter, managers);
  if (data.status) said.status = name("devices", data.status);
  if (data.waited_s !== undefined) said.waited_s = data.waited_s < 60 ? minutes(data.waited_s) : stopwatch(data.waited_s);
  if (data.service_s !== undefined) said.service_s = stopwatch(data.service_s);
  return said;
}
