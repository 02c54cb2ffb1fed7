// pretty indents JSON without touching a single token: numbers of any length
// stay as they were sent. null: it is no JSON, or too long to be read.
const longest = 2 << 20;

export function pretty(text) {
  if (text.length > longest) return null;
  try { JSON.parse(text); } catch { return null; }
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g);
  let out = "";
  let depth = 0;
  const next = () => "\n" + "  ".repeat(depth);
  tokens.forEach((t, i) => {
    if (t === "{" || t === "[") {
      const empty = tokens[i + 1] === "}" || tokens[i + 1] === "]";
      depth++;
      out += t + (empty ? "" : next());
    } else if (t === "}" || t === "]") {
      depth--;
      const empty = tokens[i - 1] === "{" || tokens[i - 1] === "[";
      out += (empty ? "" : next()) + t;
    } else if (t === ",") out += t + next();
    else out += t === ":" ? ": " : t;
  });
  return out;
}
