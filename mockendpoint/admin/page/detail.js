import { api } from "./api.js";
import { $, bytes, duration, make } from "./dom.js";
import { mark } from "./journal.js";
import { pretty } from "./pretty.js";

// Detail shows one entry in full: beside the list, or over it on a phone.
export class Detail {
  constructor(node) {
    this.node = node;
    this.closed = () => {};
    $("close").addEventListener("click", () => this.close());
  }

  async show(sequence, open) {
    this.asked = sequence;
    let entry;
    try { entry = await api(`journal/${sequence}`); } catch (err) {
      if (this.asked === sequence) this.fill(`Entry ${sequence}`, make("p", { role: "alert" }, err.message));
      return;
    }
    if (this.asked !== sequence) return; // another was chosen meanwhile
    this.fill(entry.kind === "handshake" ? `Refused handshake ${sequence}` : `${entry.method} ${entry.target}`,
      ...(entry.kind === "handshake" ? handshake(entry) : request(entry)));
    this.node.scrollTop = 0;
    if (open && matchMedia("(max-width: 60rem)").matches) {
      this.node.classList.add("open");
      $("detail-title").focus();
    }
  }

  fill(title, ...content) {
    $("detail-title").textContent = title;
    $("detail-body").replaceChildren(...content);
    $("close").hidden = false;
  }

  clear() {
    this.close();
    $("close").hidden = true;
    $("detail-title").textContent = "Nothing chosen";
    $("detail-body").replaceChildren(make("p", { class: "hint" }, "Choose a line, with the mouse or the arrow keys."));
  }

  close() {
    this.asked = undefined;
    if (this.node.classList.contains("open")) {
      this.node.classList.remove("open");
      this.closed();
    } else if (!$("close").hidden) {
      $("close").hidden = true;
      this.clear();
      this.closed();
    }
  }
}

function facts(...pairs) {
  return make("dl", {}, ...pairs.filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== 0)
    .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function certificate(c) {
  if (!c) return [];
  return [make("h3", {}, "Client certificate"),
    facts(["Common name", c.commonName], ["SAN", c.san.join(", ") || "none"], ["Issuer", c.issuer], ["Expires", c.expires])];
}

function request(entry) {
  const r = entry.request;
  const token = r.grant === undefined && r.credentials === undefined ? "" : `${r.grant || "no grant"}, credentials: ${r.credentials || "none"}`;
  return [
    facts(["Status", mark(entry)], ["Arrived", entry.time], ["Answered", `${r.answered} (${duration(entry.durationMs)})`],
      ["Profiles", (r.profiles ?? []).join(", ")], ["Fault", r.fault], ["Authorization", r.authorization], ["Refused for", r.refused], ["Receiver", (r.receiver ?? []).map((f) => `${f.failure || f.status} after ${duration(f.durationMs)}`).join(", ")], ["Token request", token],
      ["Client", r.disconnected ? "left before the answer was complete" : ""], ["From", `${r.remote}, socket ${r.socket}, its request ${r.number}${r.listener ? `, listener ${r.listener}` : ""}`],
      ["TLS", r.tls ? [r.tls, r.cipher].filter(Boolean).join(", ") : "in the clear"], ["SNI", r.serverName]),
    ...certificate(r.clientCertificate),
    make("h3", {}, "Headers"),
    facts(...r.headers.map((h) => [h.name, h.value])),
    ...body(entry, r),
  ];
}

function body(entry, r) {
  if (entry.bodyBytes === 0) return [make("h3", {}, "No body")];
  const title = make("h3", {}, `Body, ${bytes(entry.bodyBytes)}`);
  if (r.bodyBase64) return [make("h3", {}, `Body, ${bytes(entry.bodyBytes)}, no UTF-8, in base64`), pre(r.bodyBase64)];
  const formatted = pretty(r.body);
  if (formatted === null) return [title, pre(r.body)];
  const text = pre(formatted);
  const raw = make("button", { type: "button", "aria-pressed": "false", on: { click: () => {
    const now = raw.getAttribute("aria-pressed") !== "true";
    raw.setAttribute("aria-pressed", now);
    text.textContent = now ? r.body : formatted;
  } } }, "As it came");
  return [make("div", { class: "row" }, title, raw), text];
}

// A scrolling area is reached by keyboard.
const pre = (text) => make("pre", { tabindex: "0" }, text);

function handshake(entry) {
  const h = entry.handshake;
  const alert = h.alert ? `${h.alert.description} (${h.alert.code}), sent by the ${h.alert.by}` : "none";
  return [
    facts(["Reason", make("span", { class: "tag odd" }, h.reason)], ["Alert", alert], ["Accepted", `${h.time}, took ${duration(h.durationMs)}`],
      ["Fault", h.fault], ["From", `${h.remote}, socket ${h.socket}${h.listener ? `, listener ${h.listener}` : ""}`], ["TLS", h.tls || "no version agreed on"], ["SNI", h.serverName || "none"]),
    ...certificate(h.clientCertificate),
  ];
}
