// /: the branches that this browser's token covers, with what they were last heard of.

import { BusinessClock } from "./clock.js";
import { byId, make, made, part, setText, sync } from "./dom.js";
import { getJson } from "./refresh.js";
import { learn, say } from "./words.js";

const EVERY_MS = 5000;
const clock = new BusinessClock();

function create({ branch }) {
  const link = make("a", "branch-name", branch);
  link.href = `/b/${branch}`;
  const log = make("a", "quiet", say("nav.worklog"));
  log.href = `/b/${branch}/worklog`;
  return make("li", "", link, made("span", "last", "muted"), log);
}

function update(row, { last_event_at: last }) {
  const words = last ? say("home.last", { time: `${clock.date(last)} ${clock.time(last)}` }) : say("home.never");
  setText(part(row, "last"), words);
}

async function refresh() {
  const notice = byId("notice");
  try {
    clock.set(await getJson("/v1/clock"));
    const read = await getJson("/v1/branches");
    if (!read) return setText(notice, say("state.forbidden"));
    const { branches } = read;
    sync(byId("branches"), branches, { key: ({ branch }) => branch, create, update });
    notice.hidden = branches.length > 0;
    setText(notice, say("home.none"));
  } catch (error) {
    if (error.status === 401) location.reload();
    notice.hidden = false;
    setText(notice, say("home.failed"));
  }
}

await learn();
await refresh();
setInterval(refresh, EVERY_MS);
