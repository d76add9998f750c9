// What the suites of the official Zavu client share besides ../checks.mjs: projects with their keys, walking through lists, and errors.
import * as sdk from "@zavudev/sdk";
import { assert, SERVER_TOKEN, SERVER_URL } from "../checks.mjs";

export * from "../checks.mjs";
export { sdk };

// operator asks the operator's API.
export async function operator(method, path, body) {
  const answer = await fetch(`${SERVER_URL}/operator/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${SERVER_TOKEN}`, "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

// as is the client with a key, set up as its documentation says.
export const as = (apiKey, options = {}) => new sdk.default({ apiKey, baseURL: SERVER_URL, ...options });

let made = 0;

// newProject makes a project that no other suite uses, and clients with a live and a test key of it.
export async function newProject() {
  const name = `Project ${++made}`;
  const { id } = await operator("POST", "/apps", { name });
  const live = await newKey(id);
  const test = await newKey(id, { test: true });
  return { id, name, live, test, client: as(live.key), testClient: as(test.key) };
}

export const newKey = (app, more = {}) => operator("POST", `/apps/${app}/keys`, more);

// walk goes through a list with the client's own iterator, two rows at a time.
export async function walk(list, limit = 2) {
  const rows = [];
  for await (const row of list({ limit })) {
    rows.push(row);
    assert.ok(rows.length < 1000, "the list does not end");
  }
  assert.equal(new Set(ids(rows)).size, rows.length, "no row twice");
  return rows;
}

export const ids = (rows) => rows.map((row) => row.id);

const classes = {
  400: sdk.BadRequestError,
  401: sdk.AuthenticationError,
  403: sdk.PermissionDeniedError,
  404: sdk.NotFoundError,
  409: sdk.ConflictError,
  429: sdk.RateLimitError,
};

// fails is the error's body when call is refused with the status and the code, as the client's own class for it.
export async function fails(status, call, code) {
  let body;
  await assert.rejects(call, (e) => {
    body = e.error;
    assert.equal(e.status, status, `${e.stack}\n${JSON.stringify(body)}`);
    assert.ok(e instanceof (classes[status] ?? sdk.APIError), `${e.constructor.name} for ${status}`);
    assert.equal(body.code, code, JSON.stringify(body));
    assert.deepEqual(body.error, { code, message: body.message });
    assert.equal(e.message, `${status} ${body.message}`);
    for (const name of ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]) assert.match(e.headers.get(name) ?? "", /^\d+$/, name);
    return true;
  });
  return body;
}

// isTime is true for the form in which resources show times.
export const isTime = (text) => assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
