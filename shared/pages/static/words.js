// The page's language: messages from the same catalogue as the server's, numbers, times and durations.

const lang = document.documentElement.lang;
const numbers = new Intl.NumberFormat(lang);
let messages = {};

/** Read the catalogue; everything else here needs it. */
export async function learn() {
  const answer = await fetch(`/static/${lang}.json`);
  if (!answer.ok) throw new Error(`messages: ${answer.status}`);
  messages = await answer.json();
}

/** Say a message with its holes filled. A missing key is an error that tests see, and shows as the key. */
export function say(key, values = {}) {
  const message = messages[key];
  if (message === undefined) {
    console.error(`no message ${key}`);
    return key;
  }
  return message.replace(/{(\w+)}/g, (hole, name) => values[name] ?? "");
}

/** Say a code's name; a code that came after this page was made is shown as it is. */
export const name = (group, code) => messages[`${group}.${code}`] ?? String(code ?? "");

export const has = (key) => key in messages;

export const count = (value) => numbers.format(value);

export const list = (parts) => parts.join(say("list.separator"));

/** A duration as a stopwatch shows it: 3:07, 1:02:45. */
export function stopwatch(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A promise: rounded to minutes, since nobody can promise seconds. */
export function minutes(seconds) {
  const n = Math.round(seconds / 60);
  if (n < 1) return say("unit.under_a_minute");
  return n < 60 ? say("unit.minutes", { n }) : say("unit.hours_minutes", { h: Math.floor(n / 60), m: n % 60 });
}

/** A counter's name: windows are numbered; a manager's desk bears the manager's name. */
export const counterName = (counter, managers = new Map()) =>
  /^\d+$/.test(counter) ? say("counter.numbered", { counter }) : (managers.get(counter) ?? counter);
