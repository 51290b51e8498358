// Talking with the server. Everything is JSON; what goes wrong is thrown as a Problem.

/** An answer that is no success: `status`, `detail` (a sentence), `problems`, and what else it says. */
export class Problem extends Error {
  constructor(data) {
    super(data.detail);
    Object.assign(this, { status: 0, problems: [], ...data });
  }
}

const UNREACHABLE = "The server can’t be reached. Check the connection and try again.";

/** GET `url` with `params`; resolves with the answer's data. */
export function get(url, params = {}, signal = undefined) {
  const query = new URLSearchParams(params).toString();
  return ask(query ? `${url}?${query}` : url, { signal });
}

/** POST `data` as JSON; resolves with the answer's data. With `keepalive` a page may leave meanwhile. */
export function post(url, data, { keepalive = false } = {}) {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  return ask(url, { method: "POST", headers, body: JSON.stringify(data), keepalive });
}

async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, { ...options, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ detail: UNREACHABLE });
  }
  const json = response.headers.get("content-type")?.startsWith("application/json");
  const data = json ? await response.json() : null;
  if (response.ok && data) return data;
  throw new Problem({
    status: response.status,
    detail: "Something went wrong on our side. Nothing was saved.",
    ...data,
  });
}
