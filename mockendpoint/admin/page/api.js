// The admin API. The token comes in the fragment of the address, which no
// server sees, and leaves the address at once.
const key = "httpdest-mock-token";

export function signIn(given) {
  const fromAddress = new URLSearchParams(location.hash.slice(1)).get("token");
  if (fromAddress) history.replaceState(null, "", location.pathname);
  const t = given ?? fromAddress;
  if (t) sessionStorage.setItem(key, t);
  return Boolean(t);
}

export const token = () => sessionStorage.getItem(key) ?? "";

function request(path, { method = "GET", body, headers = {}, signal } = {}) {
  const all = { ...headers };
  if (token()) all.Authorization = `Bearer ${token()}`;
  if (body !== undefined) all["Content-Type"] = "application/json";
  return fetch(`api/v1/${path}`, { method, headers: all, signal, body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body) });
}

async function refused(response) {
  let said = "";
  try { said = (await response.json()).detail ?? ""; } catch { /* no problem document */ }
  const err = new Error(said || `${response.status} ${response.statusText}`);
  err.status = response.status;
  return err;
}

export async function api(path, options) {
  let response;
  try { response = await request(path, options); } catch (err) {
    if (err.name === "AbortError") throw err;
    throw new Error("httpdest mock does not answer: has it ended?");
  }
  if (!response.ok && !(path === "health" && response.status === 503)) throw await refused(response);
  return response.status === 204 ? null : response.json();
}

export async function save(query, name) {
  const response = await request(`journal/export?${query}`);
  if (!response.ok) throw await refused(response);
  const url = URL.createObjectURL(await response.blob());
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// follow reads server-sent events by fetch, since EventSource sends no
// Authorization, and resumes after the last event that came. A token that is
// refused ends it.
export async function follow(query, after, signal, on) {
  let last = after;
  for (let wait = 250; !signal.aborted; wait = Math.min(wait * 2, 4000)) {
    try {
      const response = await request(`journal/live?${query}`, { headers: { "Last-Event-ID": String(last) }, signal });
      if (!response.ok) throw await refused(response);
      on.state(true);
      wait = 250;
      for await (const event of events(response.body)) {
        if (event.id !== undefined) last = Number(event.id);
        if (event.event) on[event.event]?.(JSON.parse(event.data));
      }
    } catch (err) {
      if (signal.aborted) return;
      if (err.status === 401 || err.status === 400) throw err;
    }
    if (signal.aborted) return;
    on.state(false);
    await new Promise((done) => setTimeout(done, wait));
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = {};
      for (const line of part.split("\n")) {
        const colon = line.indexOf(": ");
        if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
      }
      yield event;
    }
  }
}
