import { api } from "./api.js";
import { $, clock, duration, make } from "./dom.js";

// However many entries there are, so many lines are on the page. Others are
// fetched when somebody asks.
const most = 500;
const page = 200;

export class Journal {
  constructor(chosen) {
    this.list = $("list");
    this.chosen = chosen;
    this.query = new URLSearchParams();
    this.queue = [];
    this.known = 0;
    this.list.addEventListener("keydown", (e) => this.key(e));
    this.list.addEventListener("click", (e) => {
      const row = e.target.closest("[role=option]");
      if (row) this.choose(row, true);
    });
  }

  async load(query) {
    this.query = query;
    const found = await api(`journal?${this.with({ limit: page })}`);
    this.queue = [];
    this.known = found.next - 1;
    this.list.replaceChildren(...found.entries.map(line));
    this.more(found);
    this.tell();
    return found;
  }

  with(extra) {
    const q = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(extra)) q.set(name, value);
    return q;
  }

  more(found) {
    $("older").hidden = !found.more;
    this.cursor = found.cursor;
  }

  async older() {
    const found = await api(`journal?${this.with({ limit: page, before: this.cursor })}`);
    this.list.append(...found.entries.map(line));
    while (this.list.childElementCount > 2 * most) this.list.firstElementChild.remove();
    this.more(found);
    this.tell();
  }

  // add queues an entry for the next frame: a flood costs one layout a frame.
  add(entry) {
    if (entry.sequence <= this.known) return;
    this.known = entry.sequence;
    this.put(() => line(entry));
  }

  gap(missed) {
    this.known = missed.to;
    this.put(() => this.hole(missed));
  }

  put(make) {
    this.queue.push(make);
    if (this.queue.length > most) this.queue.shift();
    if (this.queue.length === 1) requestAnimationFrame(() => this.flush());
  }

  flush() {
    const rows = this.queue.map((make) => make()).reverse();
    this.queue = [];
    this.list.querySelector(".empty")?.remove();
    const kept = this.list.scrollTop > 0 ? this.list.scrollHeight - this.list.scrollTop : 0;
    this.list.prepend(...rows);
    this.trim();
    if (kept && !CSS.supports("overflow-anchor: auto")) this.list.scrollTop = this.list.scrollHeight - kept;
    this.tell();
  }

  trim() {
    let cut = null;
    while (this.list.childElementCount > most) {
      cut = this.list.lastElementChild;
      cut.remove();
    }
    const sequence = this.list.lastElementChild?.dataset.sequence;
    if (cut && sequence) this.more({ more: true, cursor: Number(sequence) });
  }

  // hole stands where entries came too fast; they are fetched on demand.
  hole({ from, to, count }) {
    const button = make("button", { type: "button", on: { click: () => this.fill(row, from, to) } }, "Show them");
    const row = make("div", { class: "gap", role: "presentation" }, `${new Intl.NumberFormat("en").format(count)} came too fast to show.`, button);
    row.dataset.sequence = from;
    return row;
  }

  async fill(row, from, to) {
    const found = await api(`journal?${this.with({ limit: page, after: from - 1, before: to + 1 })}`);
    const rows = found.entries.map(line);
    if (found.more) rows.push(this.hole({ from, to: found.cursor - 1, count: found.cursor - from }));
    row.replaceWith(...rows);
    this.tell();
  }

  reset() {
    this.queue = [];
    this.list.replaceChildren();
    this.more({ more: false, cursor: 0 });
    this.tell();
  }

  tell() {
    const n = this.list.querySelectorAll("[role=option]").length;
    if (n === 0 && !this.list.querySelector(".gap")) {
      const filtered = [...this.query.keys()].length > 0;
      this.list.replaceChildren(make("p", { class: "empty" }, filtered ? "Nothing matches the filter." : "Nothing has arrived yet. What your sender sends appears here by itself."));
    }
    $("shown").textContent = n === 0 ? "" : `${n} shown, the newest first`;
  }

  get rows() { return this.list.querySelectorAll("[role=option]"); }

  key(e) {
    if (e.target !== this.list) return; // a button within
    const now = this.list.querySelector("[aria-selected=true]");
    const rows = this.rows;
    const at = now ? [...rows].indexOf(now) : -1;
    const to = { ArrowDown: at + 1, ArrowUp: Math.max(at - 1, 0), Home: 0, End: rows.length - 1, PageDown: at + 10, PageUp: Math.max(at - 10, 0) }[e.key];
    if (e.key === "Enter" && now) this.choose(now, true);
    else if (to === undefined) return;
    else if (rows.length) this.choose(rows[Math.min(to, rows.length - 1)], false);
    e.preventDefault();
  }

  choose(row, open) {
    this.list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    row.setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
    this.chosen(Number(row.dataset.sequence), open);
  }
}

export function mark(entry) {
  if (entry.kind === "handshake") return make("span", { class: "tag odd" }, "refused");
  const status = entry.status;
  const kind = status >= 500 || status === 0 ? "bad" : status >= 300 ? "warn" : "good";
  return make("span", { class: `tag ${kind}` }, status === 0 ? "no answer" : String(status));
}

function line(entry) {
  const notes = [entry.fault && `fault ${entry.fault}`, entry.disconnected && "client left"].filter(Boolean).join(", ");
  const what = entry.kind === "handshake"
    ? [entry.reason, make("span", { class: "note" }, entry.alert ? ` alert ${entry.alert.description} by the ${entry.alert.by}` : "")]
    : [`${entry.method} ${entry.target}`];
  if (notes) what.push(make("span", { class: "note" }, ` · ${notes}`));
  const row = make("div", { role: "option", id: `e${entry.sequence}`, "aria-selected": "false" },
    make("span", { class: "time" }, clock(entry.time)),
    make("span", { class: "status" }, mark(entry)),
    make("span", { class: "what", title: entry.kind === "handshake" ? entry.reason : entry.target }, ...what),
    make("span", { class: "who", title: (entry.profiles ?? []).join(", ") }, (entry.profiles ?? []).join(", ")),
    make("span", { class: "took" }, duration(entry.durationMs)));
  row.dataset.sequence = entry.sequence;
  return row;
}
