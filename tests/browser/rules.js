// What is wrong with the page for whoever reads it with other eyes, a keyboard,
// or a screen reader. After WCAG 2.2 AA; the numbers are its criteria.
(() => {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (e) => e.checkVisibility({ contentVisibilityAuto: false });
  const called = (e) => `${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}.${e.getAttribute("class") || ""} "${(e.textContent || "").trim().slice(0, 40)}"`;
  const say = (rule, e, what) => { if (wrong.length < 40) wrong.push(`${rule}: ${e ? called(e) : "page"} ${what}`); };

  // 1.4.3, 1.4.11: contrast, of colours as they are shown.
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const colours = new Map();
  const rgba = (colour) => {
    if (!colours.has(colour)) { context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1); colours.set(colour, [...context.getImageData(0, 0, 1, 1).data]); }
    return colours.get(colour);
  };
  const luminance = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ratio = (x, y) => { const [a, b] = [luminance(x), luminance(y)].sort((p, q) => q - p); return (a + .05) / (b + .05); };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c; } return [255, 255, 255, 255]; };
  for (const e of all("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || ["INPUT", "SELECT", "TEXTAREA"].includes(e.tagName);
    if (!own || e.closest(".skip, noscript, script, title, desc") || !seen(e)) continue;
    const style = getComputedStyle(e);
    const drawn = e.closest("svg");
    let behind = ground(drawn || e);
    if (drawn && e.tagName === "text" && e.classList.contains("on")) behind = rgba(getComputedStyle(e.previousElementSibling).fill);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    const is = ratio(rgba(drawn ? style.fill : style.color), behind);
    if (is < (large ? 3 : 4.5)) say("contrast", e, is.toFixed(2));
  }
  for (const e of all("main svg path, main svg rect, main svg polyline, main svg circle")) {
    if (!seen(e) || e.closest("[data-faint]") || e.matches(".tick, .rail, .squares path")) continue;
    const style = getComputedStyle(e);
    const strokes = [style.stroke, style.fill].filter((c) => c !== "none").map(rgba).filter((c) => c[3] > 0);
    if (strokes.length && Math.max(...strokes.map((c) => ratio(c, ground(e.closest("svg"))))) < 3) say("contrast of a picture", e, style.stroke);
  }
  // 1.1.1: each picture has a name and a description, and a table or a text says the same.
  for (const e of all("svg:not([aria-hidden=true])")) {
    const texts = (e.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent.trim());
    if (e.getAttribute("role") !== "img" || texts.length < 2 || texts.some((t) => !t)) say("picture", e, "has no name and description");
    const figure = e.closest("figure");
    if (figure && !figure.querySelector("figcaption table")) say("picture", e, "has no table that says the same");
  }
  // 1.3.1: headings in order, tables with headers, lists with items alone.
  let level = 0;
  for (const e of all("h1, h2, h3, h4, h5, h6")) {
    const n = Number(e.tagName[1]);
    if (n > level + 1) say("heading", e, `follows a heading of level ${level}`);
    level = n;
    if (!e.textContent.trim()) say("heading", e, "is empty");
  }
  if (all("h1").length !== 1) say("heading", null, `has ${all("h1").length} h1`);
  for (const e of all("table")) if (!e.querySelector("th[scope]")) say("table", e, "has no header with a scope");
  for (const e of all("th")) if (!["col", "row"].includes(e.getAttribute("scope"))) say("table", e, "has no scope");
  for (const e of all("ul > *, ol > *")) if (e.tagName !== "LI") say("list", e, "is no item");
  for (const e of all("dl > *")) if (!["DT", "DD", "DIV"].includes(e.tagName)) say("list", e, "is no term");
  // 4.1.2: fields and what can be pressed have names.
  for (const e of all("input, select, textarea")) if (!e.labels?.length && !e.getAttribute("aria-label")) say("label", e, "has none");
  for (const e of all("a, button, summary")) if (seen(e) && !(e.getAttribute("aria-label") || e.textContent.trim())) say("name", e, "has none");
  for (const e of all("a")) if (!e.hasAttribute("href")) say("link", e, "leads nowhere");
  for (const e of all("a[href^='#']")) if (!document.getElementById(decodeURIComponent(e.getAttribute("href").slice(1)))) say("link", e, `leads to ${e.getAttribute("href")}, which is not there`);
  // 4.1.1 once, and what a label points at still: ids are there once.
  const ids = new Map();
  for (const e of all("[id]")) ids.set(e.id, (ids.get(e.id) || 0) + 1);
  for (const [id, n] of ids) if (n > 1) say("id", null, `${id} is there ${n} times`);
  for (const e of all("[aria-labelledby]")) for (const id of e.getAttribute("aria-labelledby").split(" ")) if (!document.getElementById(id)) say("label", e, `is named by ${id}, which is not there`);
  // 3.1.1, 2.4.1, 2.4.2: language, landmarks, a title, a way past the head.
  if (!document.documentElement.lang) say("language", null, "has none");
  if (!document.title) say("title", null, "has none");
  if (all("main").length !== 1 || all("header").length !== 1) say("landmark", null, "has not one header and one main");
  for (const e of [...document.body.children]) if (!e.closest("header, main, script, noscript, .skip")) say("landmark", e, "is in none");
  const first = document.querySelector("a");
  if (!first?.classList.contains("skip")) say("skip link", null, "is not the first link");
  // 2.1.1: what scrolls is reached by keyboard.
  for (const e of all("main *")) {
    const style = getComputedStyle(e);
    const scrolls = [style.overflowX, style.overflowY].some((o) => o === "auto" || o === "scroll");
    if (scrolls && seen(e) && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1) && e.tabIndex < 0) say("keyboard", e, "scrolls, and has no focus");
    if (e.tabIndex > 0) say("keyboard", e, "has a place of its own in the order");
  }
  // 1.4.10: at the width of a phone only what is a picture or a table scrolls sideways.
  if (document.documentElement.scrollWidth > innerWidth) {
    say("reflow", null, `is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
    for (const e of all("body *")) if (seen(e) && e.getBoundingClientRect().right > innerWidth + 1 && !e.parentElement.closest(".scroll, pre, svg")) say("reflow", e, "sticks out");
  }
  // 2.5.8: what is pressed is large enough, but for links in a text.
  for (const e of all("button, select, input[type=search]")) if (seen(e) && (e.offsetHeight < 24 || e.offsetWidth < 24)) say("size", e, `${e.offsetWidth} by ${e.offsetHeight}`);
  return wrong;
})()
