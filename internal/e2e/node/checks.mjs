// What the suites of all clients share: the checks, waiting, and the receiver.
//
// RECEIVER_URL says where requests may be sent: the receiver answers 200, under /status/N/ with status N, and hands back at /received?path=P what came to
// path P.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

export { assert };
export const { SERVER_URL, SERVER_TOKEN, RECEIVER_URL } = process.env;

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
  const body = e.body ?? e.error; // of an answer, as the clients keep it
  if (body) return `${e.stack}\n${typeof body === "string" ? body : JSON.stringify(body)}`;
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
