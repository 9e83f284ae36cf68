// How many people waited, since the page was opened: a line over business time.

import { byId } from "./dom.js";
import { count, say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const POINTS = 600;
const PAD = { top: 10, right: 12, bottom: 20, left: 34 };

export class Chart {
  #points = [];
  #box = byId("chart");

  constructor(clock) {
    this.clock = clock;
    new ResizeObserver(() => this.draw()).observe(this.#box);
  }

  /** Note a figure. When there are too many, every other old one is dropped: the picture stays, it gets coarser. */
  add(at, waiting) {
    const last = this.#points.at(-1);
    if (last && at <= last[0]) return;
    this.#points.push([at, waiting]);
    if (this.#points.length > POINTS) this.#points = this.#points.filter((_, n) => n % 2 === 0 || n > POINTS - 30);
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.#box;
    if (!width || !height) return;
    if (this.#points.length < 2) {
      this.#box.textContent = say("board.filling");
      return;
    }
    const most = Math.max(...this.#points.map(([, n]) => n));
    const top = niceTop(most);
    const [from, to] = [this.#points[0][0], this.#points.at(-1)[0]];
    const x = (at) => PAD.left + ((at - from) / (to - from)) * (width - PAD.left - PAD.right);
    const y = (n) => height - PAD.bottom - (n / top) * (height - PAD.top - PAD.bottom);
    const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    svg.setAttribute("aria-label", say("board.chart_says", { now: count(this.#points.at(-1)[1]), max: count(most) }));
    for (const n of [0, top / 2, top]) {
      svg.append(element("line", { class: "grid", x1: PAD.left, x2: width - PAD.right, y1: y(n), y2: y(n) }));
      svg.append(element("text", { x: PAD.left - 6, y: y(n) + 4, "text-anchor": "end" }, count(n)));
    }
    const line = this.#points.map(([at, n]) => `${x(at).toFixed(1)},${y(n).toFixed(1)}`).join(" L");
    svg.append(element("path", { class: "area", d: `M${x(from)},${y(0)} L${line} L${x(to)},${y(0)} Z` }));
    svg.append(element("path", { class: "line", d: `M${line}` }));
    svg.append(element("circle", { class: "end", cx: x(to), cy: y(this.#points.at(-1)[1]), r: 4 }));
    svg.append(element("text", { x: PAD.left, y: height - 4 }, this.clock.short(from)));
    svg.append(element("text", { x: width - PAD.right, y: height - 4, "text-anchor": "end" }, this.clock.short(to)));
    this.#box.replaceChildren(svg);
  }
}

/** The axis' end: even, so that its half is a whole number of people. */
function niceTop(most) {
  for (const step of [2, 4, 6, 8, 10, 20, 30, 40, 50, 60, 80, 100]) if (most <= step) return step;
  return Math.ceil(most / 100) * 100;
}

function element(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}
