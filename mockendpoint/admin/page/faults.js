import { api } from "./api.js";
import { $, make } from "./dom.js";

// Faults that are one click away; any other is written in JSON.
const presets = [
  { spec: { id: "page-503", status: 503 }, words: "Answer 503" },
  { spec: { id: "page-429", status: 429, headers: { "Retry-After": "30" } }, words: "Answer 429, Retry-After 30" },
  { spec: { id: "page-401", status: 401 }, words: "Answer 401" },
  { spec: { id: "page-late", latency: "2.5s" }, words: "Answer after 2.5 s, past the timeout" },
  { spec: { id: "page-stall", stall: true }, words: "Never answer" },
  { spec: { id: "page-reset", reset: true }, words: "Reset the connection" },
  { spec: { id: "page-half", status: 503, probability: 0.5 }, words: "Answer 503 to half of the requests, by chance" },
  { spec: { id: "page-handshake", at: "handshake", connections: "1-", reset: true }, words: "Reset in the TLS handshake" },
];

export class Faults {
  constructor() {
    this.rows = new Map();
    $("fault-form").addEventListener("submit", (e) => { e.preventDefault(); this.act(() => api("faults", { method: "POST", body: $("fault-spec").value })); });
  }

  async refresh() {
    let found;
    try { found = (await api("faults")).faults; } catch { return; } // the list says that nothing answers
    const shown = JSON.stringify(found);
    if (shown === this.shown) return;
    this.shown = shown;
    const on = found.filter((f) => f.enabled).length;
    $("fault-count").textContent = on ? `${on} on` : "";
    const listed = found.map((f) => ({ ...f, words: presets.find((p) => p.spec.id === f.id)?.words ?? describe(f.spec), preset: presets.some((p) => p.spec.id === f.id) }));
    const idle = presets.filter((p) => !found.some((f) => f.id === p.spec.id)).map((p) => ({ id: p.spec.id, enabled: false, fired: 0, planned: 0, words: p.words, preset: true, spec: p.spec, idle: true }));
    const order = (f) => { const i = presets.findIndex((p) => p.spec.id === f.id); return i < 0 ? presets.length : i; };
    this.show([...listed, ...idle].sort((a, b) => order(a) - order(b)));
  }

  // show changes lines where they stand: one that is replaced while somebody
  // presses the button loses the click, and the focus.
  show(faults) {
    for (const [id, row] of this.rows) {
      if (!faults.some((f) => f.id === id)) {
        row.node.remove();
        this.rows.delete(id);
      }
    }
    let before = null;
    for (const f of faults) {
      let row = this.rows.get(f.id);
      if (!row) {
        row = this.row(f);
        this.rows.set(f.id, row);
        if (before) before.after(row.node); else $("fault-list").prepend(row.node);
      }
      row.fault = f;
      row.control.setAttribute("aria-checked", String(f.enabled));
      row.words.textContent = f.preset ? "" : f.words;
      row.fired.textContent = f.fired || f.enabled ? (f.planned ? `${f.fired} of ${f.planned}` : `${f.fired} ×`) : "";
      before = row.node;
    }
  }

  row(f) {
    const row = { fault: f, words: make("small", { class: "mono" }), fired: make("span", { class: "fired" }) };
    const flip = () => this.act(() => row.fault.idle ? api("faults", { method: "POST", body: row.fault.spec })
      : api(`faults/${encodeURIComponent(f.id)}`, { method: "PATCH", body: { enabled: !row.fault.enabled } }));
    row.control = make("button", { type: "button", role: "switch", "aria-checked": "false", "data-fault": f.id, on: { click: flip } },
      make("span", { class: "fault-text" }, f.preset ? f.words : f.id, row.words));
    const remove = f.preset ? "" : make("button", { type: "button", "aria-label": `Remove ${f.id}`,
      on: { click: () => this.act(() => api(`faults/${encodeURIComponent(f.id)}`, { method: "DELETE" })) } }, "Remove");
    row.node = make("li", {}, row.control, row.fired, remove);
    return row;
  }

  async act(call) {
    try {
      await call();
      $("fault-error").textContent = "";
    } catch (err) {
      $("fault-error").textContent = err.message;
    }
    this.shown = undefined;
    this.refresh();
  }
}

function describe(spec) {
  return Object.entries(spec).filter(([key]) => key !== "id")
    .map(([key, value]) => `${key}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
}
