// What the suites of the official client share: the client itself, the checks, waiting, walking through lists, and the receiver.
//
// The first argument is the major version of the client. SERVER_URL, SERVER_TOKEN and RECEIVER_URL say where the server is, how to get in, and where
// requests may be sent: the receiver answers 200, under /status/N/ with status N, and hands back at /received?path=P what came to path P.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

export { assert };
export const major = process.argv[2];
export const v1 = major === "1";
const sdk = await import(v1 ? "svix" : "svix2");
export const { Svix, Webhook, ApiException, messageInRaw } = sdk;

const { SERVER_URL, SERVER_TOKEN, RECEIVER_URL } = process.env;
export { SERVER_URL, RECEIVER_URL };
export const run = `v${major}-${Date.now().toString(36)}`;

// as is the client with another token.
export const as = (token) => new Svix(token, { serverUrl: SERVER_URL, numRetries: 1 });
export const svix = as(SERVER_TOKEN);

// The two generations of the client call the same things by different names.
export const eventTypesField = v1 ? "filterTypes" : "eventTypes";
export const rateField = v1 ? "rateLimit" : "throttleRate";
export const replace = v1 ? "update" : "upsert";
export const setHeaders = v1 ? "updateHeaders" : "setHeaders";

const suites = [];

// suite names the checks that follow. Suites run side by side, their checks in order.
export function suite(name) {
  const checks = [];
  suites.push({ name, checks });
  return (title, fn) => checks.push({ title, fn });
}

const checkLimit = 30_000;

// runAll runs every check and prints how many there are, and for each a line that begins with "ok" or "not ok".
export async function runAll() {
  console.log(`checks ${suites.reduce((n, s) => n + s.checks.length, 0)}`);
  await Promise.all(
    suites.map(async ({ name, checks }) => {
      for (const { title, fn } of checks) {
        try {
          await within(checkLimit, fn());
          console.log(`ok ${name}: ${title}`);
        } catch (e) {
          console.log(`not ok ${name}: ${title}\n${told(e).replace(/^/gm, "    ")}`);
        }
      }
    }),
  );
}

async function within(limit, promise) {
  const stop = new AbortController();
  const late = sleep(limit, undefined, { signal: stop.signal }).then(
    () => assert.fail(`not done after ${limit} ms`),
    () => {},
  );
  try {
    await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}

function told(e) {
  if (e instanceof ApiException) return `${e.stack}\n${typeof e.body === "string" ? e.body : JSON.stringify(e.body)}`;
  return e.stack ?? String(e);
}

// until asks until the answer is true, and returns it.
export async function until(what, ask, limit = 20_000) {
  for (const end = Date.now() + limit; ; ) {
    const got = await ask();
    if (got) return got;
    if (Date.now() > end) assert.fail(`after ${limit} ms: ${what}`);
    await sleep(30);
  }
}

// arrived waits until the receiver has had at least n requests at path, and returns them.
export async function arrived(path, n = 1) {
  let got = [];
  await until(`${n} requests at ${path}, there are ${got.length}`, async () => {
    got = await (await fetch(`${RECEIVER_URL}/received?path=${encodeURIComponent(path)}`)).json();
    return got.length >= n;
  });
  return got;
}

// walk goes through a list, page by page, to its end and back to its beginning, and returns what it saw. Where other suites may add to the list
// meanwhile, mine tells the rows that count.
export async function walk(list, { limit = 2, mine = () => true, key = (row) => row.id } = {}) {
  const there = [];
  let page;
  for (let iterator = null, pages = 1; ; iterator = page.iterator, pages++) {
    page = await list({ limit, iterator });
    assert.ok(page.data.length <= limit, `a page of ${page.data.length} rows, asked for ${limit}`);
    there.push(...page.data);
    if (page.done) break;
    assert.equal(typeof page.iterator, "string");
    assert.ok(pages < 1000, "the list does not end");
  }
  let back = [...page.data];
  for (let pages = 1; page.prevIterator; pages++) {
    page = await list({ limit, iterator: page.prevIterator });
    back = [...page.data, ...back];
    if (page.done) break;
    assert.ok(pages < 1000, "the list does not begin");
  }
  const keys = there.filter(mine).map(key);
  assert.equal(new Set(keys).size, keys.length, "no row twice");
  assert.deepEqual(back.filter(mine).map(key), keys, "the same rows on the way back");
  return there.filter(mine);
}

// fails is true when call is refused with status and, where given, code, as the client's own error.
export async function fails(status, call, code) {
  await assert.rejects(call, (e) => {
    assert.ok(e instanceof ApiException, `no error of the client: ${e.stack}`);
    const body = typeof e.body === "string" ? JSON.parse(e.body) : e.body;
    assert.equal(e.code, status, JSON.stringify(body));
    if (status === 422) {
      assert.ok(Array.isArray(body.detail) && body.detail.length > 0, JSON.stringify(body));
      for (const d of body.detail) {
        assert.ok(Array.isArray(d.loc) && d.loc.every((l) => typeof l === "string"), JSON.stringify(d));
        assert.ok(typeof d.msg === "string" && typeof d.type === "string", JSON.stringify(d));
      }
      if (code) assert.deepEqual(body.detail[0].loc, code);
    } else {
      assert.ok(typeof body.code === "string" && typeof body.detail === "string", JSON.stringify(body));
      if (code) assert.equal(body.code, code);
    }
    return true;
  });
}

let made = 0;

// newApp makes an application that no other suite uses.
export const newApp = (more = {}) => svix.application.create({ name: `${run} ${++made}`, uid: `${run}-${made}`, ...more });

// newTypes makes event types, of names that no other suite uses.
export async function newTypes(...names) {
  const own = names.map((name) => `${run}.${name}`);
  for (const name of own) await svix.eventType.create({ name, description: name });
  return own;
}

// finished waits until a background task has done its work.
export const finished = (task) =>
  until(`task ${task.id} is finished`, async () => {
    const now = await svix.backgroundTask.get(task.id);
    assert.notEqual(now.status, "failed", JSON.stringify(now.data));
    assert.equal(now.id, task.id);
    assert.equal(now.task, task.task);
    return now.status === "finished" && now;
  });

// attempted waits until a message has n attempts, and returns them, newest first.
export const attempted = (app, msg, n = 1) =>
  until(`${n} attempts for ${msg.id}`, async () => {
    const { data } = await svix.messageAttempt.listByMsg(app.id, msg.id);
    return data.length >= n && data;
  });

export const ids = (rows) => rows.map((row) => row.id);
