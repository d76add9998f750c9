import { arrived, assert, attempted, fails, finished, ids, messageInRaw, newApp, newTypes, RECEIVER_URL, run, suite, svix, v1, walk, Webhook } from "./harness.mjs";

const check = suite("messages");
const path = `/messages/${run}`;
let app, endpoint, secret, message, paid, sent;

check("create, and verify what arrives", async () => {
  app = await newApp();
  [paid, sent] = await newTypes("message.paid", "message.sent");
  endpoint = await svix.endpoint.create(app.id, { url: RECEIVER_URL + path });
  secret = (await svix.endpoint.getSecret(app.id, endpoint.id)).key;
  const payload = { text: "héllo <&> \u2028", big: 12345678, list: [1, 2.5, null] };
  message = await svix.message.create(app.id, {
    eventType: paid,
    eventId: `evt-${run}`,
    payload,
    channels: ["eu", "b2b"],
    tags: ["t1", "t2"],
    payloadRetentionPeriod: 30,
  }, { withContent: true });
  assert.match(message.id, /^msg_[0-9A-Za-z]{27}$/);
  assert.deepEqual(message.payload, payload);
  assert.deepEqual(message.channels.toSorted(), ["b2b", "eu"]);
  assert.deepEqual(message.tags.toSorted(), ["t1", "t2"]);
  const [{ headers, body }] = await arrived(path);
  for (const name of ["svix-id", "webhook-id"]) assert.equal(headers[name], message.id);
  new Webhook(secret).verify(body, headers); // version 2 returns nothing
  assert.deepEqual(JSON.parse(body), payload);
  assert.throws(() => new Webhook(secret).verify(`${body} `, headers));
});

check("get by id and by event id, with and without content", async () => {
  const got = await svix.message.get(app.id, message.id);
  assert.equal(got.eventType, paid);
  assert.equal((await svix.message.get(app.id, `evt-${run}`)).id, message.id);
  assert.deepEqual((await svix.message.get(app.id, message.id, { withContent: true })).payload, message.payload);
  assert.deepEqual((await svix.message.get(app.id, message.id, { withContent: false })).payload, {});
});

check("an event id is taken once", async () => {
  await fails(409, svix.message.create(app.id, { eventType: paid, eventId: `evt-${run}`, payload: {} }), "conflict");
});

check("list in both directions", async () => {
  const made = [message.id];
  for (let i = 0; i < 5; i++) made.push((await svix.message.create(app.id, { eventType: sent, payload: { i }, channels: i % 2 ? ["odd"] : ["even"] })).id);
  assert.deepEqual(ids(await walk((page) => svix.message.list(app.id, page))), made.toReversed());
});

check("list by event type, channel, tag and time", async () => {
  const count = async (options) => (await svix.message.list(app.id, { limit: 250, ...options })).data.length;
  assert.equal(await count({ eventTypes: [sent] }), 5);
  assert.equal(await count({ eventTypes: [paid, sent] }), 6);
  assert.equal(await count({ channel: "odd" }), 2);
  assert.equal(await count({ tag: "t1" }), 1);
  assert.equal(await count({ tag: "t3" }), 0);
  assert.equal(await count({ before: new Date(Date.now() - 3_600_000) }), 0);
  assert.equal(await count({ after: new Date(Date.now() - 3_600_000) }), 6);
});

check("raw payloads go as they are", async () => {
  const target = await svix.endpoint.create(app.id, { url: `${RECEIVER_URL}${path}/raw`, channels: ["raw"] });
  const { key } = await svix.endpoint.getSecret(app.id, target.id);
  const text = '{ "n":1.10,\n  "as it": "is" }\n'; // JSON, because the client's verifier reads it
  await svix.message.create(app.id, { ...messageInRaw(paid, text, "application/vnd.own+json"), channels: ["raw"] });
  const [{ headers, body }] = await arrived(`${path}/raw`);
  assert.equal(body, text);
  assert.match(headers["content-type"], /^application\/vnd\.own\+json/);
  new Webhook(key).verify(body, headers);
});

check("an application is made along the way", async () => {
  const uid = `inline-${run}`;
  const application = { name: "Inline", uid };
  const first = await svix.message.create(uid, { eventType: paid, payload: {}, application });
  assert.equal((await svix.message.get(uid, first.id)).id, first.id);
  assert.equal((await svix.application.get(uid)).name, "Inline");
  await fails(422, svix.message.create(`no-${run}`, { eventType: paid, payload: {}, application }));
  await fails(404, svix.message.create(`no-${run}`, { eventType: paid, payload: {} }), "not_found");
});

check("a message for later waits", async () => {
  const deliverAt = new Date(Date.now() + 2 * 3_600_000);
  const later = await svix.message.create(app.id, { eventType: paid, payload: { later: true }, deliverAt });
  assert.ok(later.deliverAt instanceof Date);
  assert.ok(Math.abs(later.deliverAt - deliverAt) < 1000);
  const { data } = await svix.messageAttempt.listAttemptedDestinations(app.id, later.id);
  const there = data.find((d) => d.id === endpoint.id);
  assert.ok(Math.abs(there.nextAttempt - deliverAt) < 60_000, String(there.nextAttempt));
  assert.equal((await svix.messageAttempt.listByMsg(app.id, later.id)).data.length, 0);
  await fails(422, svix.message.create(app.id, { eventType: paid, payload: {}, deliverAt: new Date(Date.now() + 48 * 3_600_000) }));
});

check("precheck tells whether anybody listens", async () => {
  const quiet = await newApp();
  await svix.endpoint.create(quiet.id, { url: "https://receiver.example/", channels: ["eu"] });
  assert.equal((await svix.message.precheck(quiet.id, { eventType: paid, channels: ["eu"] })).active, true);
  assert.equal((await svix.message.precheck(quiet.id, { eventType: paid, channels: ["us"] })).active, false);
});

check("an idempotency key makes one message, also at the same time", async () => {
  const options = { idempotencyKey: `key-${run}` };
  const body = { eventType: paid, payload: { n: 1 } };
  const both = await Promise.all([svix.message.create(app.id, body, options), svix.message.create(app.id, body, options)]);
  const third = await svix.message.create(app.id, body, options);
  assert.deepEqual(new Set(ids([...both, third])).size, 1);
});

check("expunge the content of one", async () => {
  await attempted(app, message);
  await svix.message.expungeContent(app.id, message.id);
  assert.deepEqual((await svix.message.get(app.id, message.id, { withContent: true })).payload, { expired: true });
  await fails(400, svix.messageAttempt.resend(app.id, message.id, endpoint.id), "missing_payload");
});

if (!v1)
  check("expunge the content of several", async () => {
    const one = await svix.message.create(app.id, { eventType: paid, payload: { secret: 1 } });
    const { results } = await svix.message.bulkExpungeContent(app.id, { ids: [one.id, "msg_nothing"] });
    assert.equal(results[one.id], "expunged");
    assert.equal(results.msg_nothing, "not-found");
    assert.deepEqual((await svix.message.get(app.id, one.id, { withContent: true })).payload, { expired: true });
  });

check("expunge all contents", async () => {
  const purged = await newApp();
  const one = await svix.message.create(purged.id, { eventType: paid, payload: { secret: 1 } });
  const task = await svix.message.expungeAllContents(purged.id);
  assert.equal(task.task, "application.purge_content");
  await finished(task);
  assert.deepEqual((await svix.message.get(purged.id, one.id, { withContent: true })).payload, { expired: true });
});
