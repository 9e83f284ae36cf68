// /b/{b}/worklog: fetches the day's log as the work log service writes it, and puts its sheet into the page.

import { byId, setText } from "./dom.js";
import { learn, say } from "./words.js";

const RETRY_MS = 3000;

const { branch, date } = document.body.dataset;
const address = `/v1/branches/${branch}/worklog/${date}?lang=${document.documentElement.lang}`;

async function load() {
  const notice = byId("notice");
  let reason;
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(15_000) });
    if (answer.status === 401) return location.reload();
    if (answer.ok) {
      // The document brings its own style sheet, for when it is saved; here the page has it already.
      const text = (await answer.text()).replace(/<style>[^]*?<\/style>/, "");
      const sheet = new DOMParser().parseFromString(text, "text/html").querySelector("main");
      byId("content").replaceChildren(document.adoptNode(sheet));
      notice.hidden = true;
      return undefined;
    }
    reason = answer.status;
    if (answer.status === 403) return setText(notice, say("state.forbidden"));
  } catch (error) {
    reason = error.name;
  }
  notice.hidden = false;
  setText(notice, say("worklog.failed", { reason }));
  return setTimeout(load, RETRY_MS);
}

byId("print").addEventListener("click", () => print());
await learn();
await load();
