// The page of httpdest mock: what arrives, as it arrives, and the faults.
import { api, follow, save, signIn, token } from "./api.js";
import { Journal } from "./journal.js";
import { Detail } from "./detail.js";
import { Faults } from "./faults.js";
import { $ } from "./dom.js";

const number = new Intl.NumberFormat("en");
let following = null;

const detail = new Detail($("detail"));
const journal = new Journal((entry, open) => detail.show(entry, open));
const faults = new Faults();
detail.closed = () => journal.list.focus();

function filter() {
  const q = new URLSearchParams();
  const status = $("status").value;
  if (status === "handshake") q.set("kind", "handshake");
  else if (status) q.set("status", status);
  for (const name of ["profile", "text"]) if ($(name).value.trim()) q.set(name, $(name).value.trim());
  return q;
}

function state(name, words) {
  $("connection").dataset.state = name;
  $("connection").textContent = words;
}

// restart shows the newest that match, and follows what comes.
async function restart() {
  following?.abort();
  following = new AbortController();
  const { signal } = following;
  const q = filter();
  try {
    const page = await journal.load(q);
    if (signal.aborted) return;
    state("live", "live");
    await follow(q, page.next - 1, signal, {
      entry: (e) => journal.add(e),
      missed: (m) => journal.gap(m),
      cleared: () => { journal.reset(); detail.clear(); },
      state: (up) => up ? state("live", "live") : state("lost", "not connected, trying again"),
    });
  } catch (err) {
    if (!signal.aborted) failed(err);
  }
}

function failed(err) {
  if (err.status === 401) return askForToken(err.message);
  state("lost", "not connected");
  alarm(err.message);
}

function alarm(text) {
  $("alarm").textContent = text;
  $("alarm").hidden = !text;
}

async function health() {
  try {
    const h = await api("health");
    if (!h.journal) return;
    $("listeners").textContent = (h.listeners ?? []).map((l) => `${l.url} (${l.role})`).join("  ");
    const j = h.journal;
    $("counts").textContent = `${number.format(j.requests)} requests, ${number.format(j.handshakes)} refused handshakes`;
    const lost = j.lost ? `The journal has lost ${number.format(j.lost)} entries.` : "";
    alarm([lost, j.failure ? `The disk does not take the journal: ${j.failure}.` : ""].join(" ").trim());
  } catch (err) {
    if (err.status === 401) askForToken("");
  }
}

function askForToken(why) {
  following?.abort();
  $("main").hidden = true;
  $("sign-in").hidden = false;
  $("sign-in-error").textContent = token() ? why : "";
  state("waiting", "signed out");
  $("token").focus();
}

async function begin() {
  try {
    await api("journal?limit=1");
  } catch (err) {
    return failed(err);
  }
  $("sign-in").hidden = true;
  $("main").hidden = false;
  restart();
  faults.refresh();
  health();
}

let typing = 0;
function filtered() {
  clearTimeout(typing);
  typing = setTimeout(restart, 200);
}

$("sign-in").addEventListener("submit", (e) => { e.preventDefault(); signIn($("token").value.trim()); begin(); });
$("filters").addEventListener("submit", (e) => { e.preventDefault(); restart(); });
$("filters").addEventListener("input", filtered);
$("older").addEventListener("click", () => journal.older());
$("pause").addEventListener("click", () => {
  const paused = $("pause").getAttribute("aria-pressed") !== "true";
  $("pause").setAttribute("aria-pressed", paused);
  if (paused) { following?.abort(); state("paused", "paused"); } else restart();
});
$("clear").addEventListener("click", async () => {
  if (!confirm("Clear the journal of the mock endpoint?")) return;
  try {
    await api("reset", { method: "POST", body: { journal: true } });
    restart();
    health();
  } catch (err) { failed(err); }
});
for (const format of ["ndjson", "har"]) {
  $(`export-${format}`).addEventListener("click", async () => {
    const q = filter();
    q.set("format", format);
    try { await save(q, `journal.${format}`); } catch (err) { failed(err); }
  });
}
document.addEventListener("keydown", (e) => {
  if (e.key === "/" && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) { e.preventDefault(); $("text").focus(); }
  if (e.key === "Escape") detail.close();
});
setInterval(() => { if (!$("main").hidden) health(); }, 2000);
setInterval(() => { if (!$("main").hidden) faults.refresh(); }, 2000);

// On a phone the list comes first, and the faults are one tap away.
if (matchMedia("(max-width: 60rem)").matches) $("fault-box").open = false;
window.addEventListener("hashchange", () => { if (signIn()) begin(); });
signIn();
begin();
