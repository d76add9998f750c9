// What the suites of the official Svix client share besides ../checks.mjs: the client itself, and walking through lists.
//
// The first argument is the major version of the client. SERVER_URL and SERVER_TOKEN say where the server is, and how to get in.
import { assert, SERVER_TOKEN, SERVER_URL, until } from "../checks.mjs";

export * from "../checks.mjs";

export const major = process.argv[2];
export const v1 = major === "1";
const sdk = await import(v1 ? "svix" : "svix2");
export const { Svix, Webhook, ApiException, messageInRaw } = sdk;

export const run = `v${major}-${Date.now().toString(36)}`;

// as is the client with another token.
export const as = (token) => new Svix(token, { serverUrl: SERVER_URL, numRetries: 1 });
export const svix = as(SERVER_TOKEN);

// The two generations of the client call the same things by different names.
export const eventTypesField = v1 ? "filterTypes" : "eventTypes";
export const rateField = v1 ? "rateLimit" : "throttleRate";
export const replace = v1 ? "update" : "upsert";
export const setHeaders = v1 ? "updateHeaders" : "setHeaders";

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
