// Drives a server through the official Svix client, the major version named by the first argument, and prints one line a check.
// SERVER_URL, SERVER_TOKEN, RECEIVER_URL: where the server is, how to get in, and an address whose requests the caller hands back
// at RECEIVER_URL + "/received" as [{headers, body}].
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

const major = process.argv[2];
const { Svix, Webhook, ApiException } = await import(major === "1" ? "svix1" : "svix2");
const { SERVER_URL, SERVER_TOKEN, RECEIVER_URL } = process.env;
const svix = new Svix(SERVER_TOKEN, { serverUrl: SERVER_URL });
const run = `${major}-${Date.now()}`;

async function check(name, fn) {
  await fn();
  console.log(`ok ${name}`);
}

let app, endpoint, secret, message;

await check("create and read an application", async () => {
  app = await svix.application.create({ name: "Acme", uid: `acme-${run}`, metadata: { plan: "gold" } });
  assert.match(app.id, /^app_[0-9A-Za-z]{27}$/);
  assert.equal((await svix.application.get(app.uid)).id, app.id);
  const listed = await svix.application.list({ limit: 250 });
  assert.ok(listed.data.some((a) => a.id === app.id));
});

await check("create an endpoint and read its secret", async () => {
  endpoint = await svix.endpoint.create(app.id, { url: `${RECEIVER_URL}/hook/${run}`, description: "receiver" });
  if (major === "1") assert.equal(endpoint.version, 1);
  secret = (await svix.endpoint.getSecret(app.id, endpoint.id)).key;
  assert.match(secret, /^whsec_/);
  assert.equal((await svix.endpoint.list(app.id)).data[0].id, endpoint.id);
});

await check("send a message and verify what arrives", async () => {
  const payload = { text: "héllo <&> \u2028", big: 12345678, list: [1, 2, 3] };
  message = await svix.message.create(app.id, { eventType: "invoice.paid", eventId: `evt-${run}`, payload });
  assert.match(message.id, /^msg_/);
  let received = [];
  for (let i = 0; i < 200 && received.length === 0; i++) {
    const all = await (await fetch(`${RECEIVER_URL}/received`)).json();
    received = all.filter((r) => r.path === `/hook/${run}`);
    if (received.length === 0) await sleep(50);
  }
  assert.equal(received.length, 1, "one delivery");
  const { headers, body } = received[0];
  assert.equal(headers["svix-id"], message.id);
  assert.equal(headers["webhook-id"], message.id);
  new Webhook(secret).verify(body, headers); // version 2 returns nothing
  assert.deepEqual(JSON.parse(body), payload);
  assert.throws(() => new Webhook(secret).verify(body + " ", headers));
});

await check("list attempts by message and by endpoint, read one", async () => {
  let attempts;
  for (let i = 0; i < 100; i++) {
    attempts = await svix.messageAttempt.listByMsg(app.id, message.id);
    if (attempts.data.length > 0) break;
    await sleep(50);
  }
  assert.equal(attempts.data.length, 1);
  const one = attempts.data[0];
  assert.equal(one.status, 0);
  assert.equal(one.responseStatusCode, 200);
  assert.equal(one.endpointId, endpoint.id);
  assert.equal((await svix.messageAttempt.get(app.id, message.id, one.id)).id, one.id);
  assert.equal((await svix.messageAttempt.listByEndpoint(app.id, endpoint.id)).data[0].id, one.id);
});

await check("resend", async () => {
  await svix.messageAttempt.resend(app.id, message.id, endpoint.id);
  for (let i = 0; i < 100; i++) {
    if ((await svix.messageAttempt.listByMsg(app.id, message.id)).data.length === 2) return;
    await sleep(50);
  }
  assert.fail("the second attempt is not listed");
});

await check("read and list messages, page by page", async () => {
  assert.equal((await svix.message.get(app.id, `evt-${run}`)).id, message.id);
  for (let i = 0; i < 5; i++) await svix.message.create(app.id, { eventType: "invoice.paid", payload: { i } });
  const seen = [];
  let iterator = null;
  do {
    const page = await svix.message.list(app.id, { limit: 2, iterator });
    seen.push(...page.data.map((m) => m.id));
    iterator = page.iterator;
    if (page.done) break;
  } while (iterator);
  assert.equal(new Set(seen).size, 6);
  assert.deepEqual(seen, [...seen].sort().reverse(), "newest first");
});

await check("change an endpoint", async () => {
  const patched = await svix.endpoint.patch(app.id, endpoint.id, { disabled: true });
  assert.equal(patched.disabled, true);
  assert.equal((await svix.endpoint.get(app.id, endpoint.id)).disabled, true);
});

await check("an idempotency key makes one message", async () => {
  const options = { idempotencyKey: `key-${run}` };
  const body = { eventType: "once", payload: { n: 1 } };
  const [a, b] = await Promise.all([svix.message.create(app.id, body, options), svix.message.create(app.id, body, options)]);
  assert.equal(a.id, b.id);
});

await check("errors come as the client's own type", async () => {
  await assert.rejects(svix.application.get("app_nothing"), (e) => e instanceof ApiException && e.code === 404 && e.body.code === "not_found");
  await assert.rejects(svix.application.create({ name: "Twice", uid: app.uid }), (e) => e instanceof ApiException && e.code === 409);
  await assert.rejects(svix.endpoint.create(app.id, { url: "ftp://example.com" }), (e) => e instanceof ApiException && e.code === 422 && Array.isArray(e.body.detail));
  const stranger = new Svix("wrong", { serverUrl: SERVER_URL });
  await assert.rejects(stranger.application.list(), (e) => e instanceof ApiException && e.code === 401);
});

await check("delete", async () => {
  await svix.endpoint.delete(app.id, endpoint.id);
  await svix.application.delete(app.id);
  await assert.rejects(svix.application.get(app.id), (e) => e.code === 404);
});
