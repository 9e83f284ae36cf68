// The business clock, as the branch reads it: GET /v1/clock says what it shows, how fast it runs, and where it is.

const lang = document.documentElement.lang;
const timeOf = new Intl.DateTimeFormat(lang, { timeZone: "UTC", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const shortOf = new Intl.DateTimeFormat(lang, { timeZone: "UTC", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dateOf = new Intl.DateTimeFormat(lang, { timeZone: "UTC", year: "numeric", month: "long", day: "numeric", weekday: "short" });

export class BusinessClock {
  #at = Date.now();
  #read = performance.now();
  #offset = -new Date().getTimezoneOffset() * 60;
  rate = 1;

  /** Take over what the server said of its clock. */
  set({ now, rate, offset_s }) {
    this.#at = Date.parse(now);
    this.#read = performance.now();
    this.#offset = offset_s;
    this.rate = rate;
  }

  /** The business time now, in milliseconds since 1970. */
  now() {
    return this.#at + (performance.now() - this.#read) * this.rate;
  }

  /** Seconds from an instant (ISO 8601) until now; never negative. */
  since(instant) {
    return Math.max(0, (this.now() - Date.parse(instant)) / 1000);
  }

  time = (instant) => timeOf.format(this.#local(instant));
  short = (instant) => shortOf.format(this.#local(instant));
  date = (instant) => dateOf.format(this.#local(instant));

  #local(instant) {
    return new Date((typeof instant === "number" ? instant : Date.parse(instant)) + this.#offset * 1000);
  }
}
