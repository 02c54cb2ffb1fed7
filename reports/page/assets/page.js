"use strict";
// The page is whole without this script, the details of what passed excepted:
// it filters, unpacks, copies and switches colours.
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const show = (node, is) => { if (node) node.hidden = !is; };

  // Light and dark: what the system prefers, until somebody chooses.
  const kept = { get: () => { try { return localStorage.getItem("httpdest-theme"); } catch { return null; } },
    set: (v) => { try { localStorage.setItem("httpdest-theme", v); } catch { /* opened from disk, where nothing is kept */ } } };
  const root = document.documentElement;
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const label = () => { $("theme").textContent = dark() ? "Light" : "Dark"; $("theme").setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`); };
  if (["light", "dark"].includes(kept.get())) root.dataset.theme = kept.get();
  $("theme").addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; kept.set(root.dataset.theme); label(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  // Paper is light.
  let chosen;
  addEventListener("beforeprint", () => { chosen = root.dataset.theme; root.dataset.theme = "light"; });
  addEventListener("afterprint", () => { if (chosen) root.dataset.theme = chosen; else delete root.dataset.theme; });
  label();
  show($("theme"), true);

  // Details are compressed lists of HTML, written by html/template.
  const packs = all("script.pack");
  const unpacked = new Map();
  const unpack = (n) => {
    if (!unpacked.has(n)) unpacked.set(n, (async () => {
      const bytes = Uint8Array.from(atob(packs[n].textContent.trim()), (c) => c.charCodeAt(0));
      return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
    })());
    return unpacked.get(n);
  };
  const fill = async (row) => {
    if (row.dataset.pack === undefined || row.dataset.filled) return;
    row.dataset.filled = "yes";
    let html;
    try { html = (await unpack(Number(row.dataset.pack)))[Number(row.dataset.slot)]; }
    catch { html = "<p class=body>This browser cannot unpack what is here; report.json has it.</p>"; }
    const body = document.createElement("template");
    body.innerHTML = html;
    row.append(body.content);
    ready(row);
  };
  const ready = (within) => all("button.copy", within).forEach((b) => show(b, true));
  document.addEventListener("toggle", (event) => { if (event.target.matches?.("details.case") && event.target.open) fill(event.target); }, true);

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const code = button.parentElement.querySelector("code");
    // The older way first: it asks for no permission, and works from disk.
    getSelection().selectAllChildren(code);
    let copied = document.execCommand("copy");
    if (!copied) try { await navigator.clipboard.writeText(code.textContent); copied = true; } catch { /* it is selected at least */ }
    button.textContent = copied ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  ready(document);

  // A link opens what it leads to.
  const arrive = () => {
    let target = null;
    try { target = $(decodeURIComponent(location.hash.slice(1))); } catch { /* no such place */ }
    if (!target) return;
    if (target.matches("details.case") && target.hidden) reset();
    for (let d = target.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    target.scrollIntoView();
    if (target.matches("details.case")) target.querySelector("summary").focus({ preventScroll: true });
  };
  addEventListener("hashchange", arrive);

  const rows = all("details.case").map((node) => ({ node, verdict: node.closest(".group").dataset.verdict, rules: new Set(node.dataset.rules.split(" ")),
    text: (node.querySelector("summary").textContent + " " + node.dataset.rules).toLowerCase() }));
  const groups = all(".group").map((node) => ({ node, count: node.querySelector("h2 .soft"), rows: rows.filter((r) => node.contains(r.node)) }));
  let reset = () => {};
  if (rows.length > 3) {
    const boxes = all("[name=verdict]");
    const filter = () => {
      const words = $("text").value.toLowerCase().split(/\s+/).filter(Boolean);
      const verdicts = new Set(boxes.filter((b) => b.checked).map((b) => b.value));
      const rule = $("rule").value;
      let shown = 0;
      for (const g of groups) {
        let here = 0;
        for (const r of g.rows) {
          const is = verdicts.has(r.verdict) && (!rule || r.rules.has(rule)) && words.every((w) => r.text.includes(w));
          if (r.node.hidden === is) r.node.hidden = !is;
          if (is) here++;
        }
        g.count.textContent = here === g.rows.length ? here : `${here} of ${g.rows.length}`;
        show(g.node, here > 0);
        shown += here;
      }
      $("shown").textContent = `${shown} of ${rows.length} cases shown`;
      show($("none"), shown === 0);
    };
    reset = () => { $("text").value = ""; $("rule").value = ""; boxes.forEach((b) => { b.checked = true; }); filter(); };
    $("filter").addEventListener("input", filter);
    $("filter").addEventListener("submit", (event) => event.preventDefault());
    $("reset").addEventListener("click", reset);
    $("reset-too").addEventListener("click", () => { reset(); $("text").focus(); });
    $("open").addEventListener("click", () => rows.filter((r) => !r.node.hidden).slice(0, 200).forEach((r) => { r.node.open = true; }));
    $("close").addEventListener("click", () => rows.forEach((r) => { r.node.open = false; }));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
      event.preventDefault();
      $("text").focus();
    });
    show($("filter"), true);
    filter();
  }
  arrive();
})();
