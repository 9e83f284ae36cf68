// /b/{b}: puts the live parts together.

import { Chart } from "./chart.js";
import { BusinessClock } from "./clock.js";
import { Connection } from "./connection.js";
import { byId, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { Incidents } from "./incidents.js";
import { Lobby } from "./lobby.js";
import { getJson, Refresher } from "./refresh.js";
import { Stream } from "./stream.js";
import { Vip } from "./vip.js";
import { learn, say } from "./words.js";

const CLOCK_EVERY_MS = 60_000;

const address = `/v1/branches/${document.body.dataset.branch}`;
const types = document.querySelector("meta[name=lobby-event-types]").content.split(" ");

const clock = new BusinessClock();
const managers = new Map();
const connection = new Connection(clock);

async function readClock() {
  const read = await getJson("/v1/clock").catch(() => null);
  if (!read) return;
  clock.set(read);
  byId("clock-rate").hidden = read.rate === 1;
  setText(byId("clock-rate"), say("clock.rate", { rate: read.rate }));
}

function tick(lobby) {
  setText(byId("clock-time"), clock.time(clock.now()));
  setText(byId("clock-date"), clock.date(clock.now()));
  connection.tick();
  if (!document.body.classList.contains("stale")) lobby.tick();
}

/** One part's figures, or undefined where they can't be had: the other parts are shown all the same. */
async function read(path, show) {
  try {
    show(await getJson(`${address}/${path}`));
    return true;
  } catch (error) {
    if (error.status === 401) location.reload();
    return false;
  }
}

async function start() {
  await learn();
  await readClock();
  const [lobby, vip, incidents] = [new Lobby(clock, managers), new Vip(clock, managers), new Incidents(clock)];
  const [chart, feed] = [new Chart(clock), new Feed(clock, managers)];
  const refresher = new Refresher(async () => {
    const good = await Promise.all([
      read("vip", (view) => vip.show(view)),
      read("incidents", (view) => incidents.show(view)),
      read("queue", (view) => {
        lobby.show(view);
        chart.add(Date.parse(view.at), lobby.waiting);
      }),
    ]);
    if (good.every(Boolean)) connection.read(Date.parse(lobby.view.at));
    else connection.failed();
  });
  const stream = new Stream(`${address}/stream`, types, {
    onEvent: (event) => {
      feed.add(event);
      refresher.hint();
    },
    onState: (state) => {
      connection.stream(state);
      if (state === "live") refresher.hint();
    },
    onDenied: () => location.reload(),
  });
  refresher.now();
  stream.open();
  setInterval(() => tick(lobby), 1000 / Math.min(4, Math.max(1, clock.rate)));
  setInterval(readClock, CLOCK_EVERY_MS);
  tick(lobby);
}

start();
