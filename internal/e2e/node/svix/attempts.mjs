import { arrived, assert, attempted, fails, ids, newApp, newTypes, RECEIVER_URL, run, suite, svix, until, walk } from "./harness.mjs";

const check = suite("attempts");
const path = `/attempts/${run}`;
let app, good, bad, messages, paid;

check("every try is listed by message", async () => {
  app = await newApp();
  [paid] = await newTypes("attempt.paid");
  good = await svix.endpoint.create(app.id, { url: RECEIVER_URL + path, uid: "good" });
  bad = await svix.endpoint.create(app.id, { url: `${RECEIVER_URL}/status/503${path}`, uid: "bad" });
  messages = [];
  for (let i = 0; i < 3; i++) messages.push(await svix.message.create(app.id, { eventType: paid, payload: { i }, channels: ["eu"], tags: ["t"] }));
  const all = await attempted(app, messages[0], 5); // one at the good endpoint, four at the bad one
  assert.equal(all.length, 5);
  const one = all.find((a) => a.endpointId === good.id);
  assert.equal(one.msgId, messages[0].id);
  assert.equal(one.status, 0);
  assert.equal(one.statusText, "success");
  assert.equal(one.responseStatusCode, 200);
  assert.equal(one.triggerType, 0);
  assert.equal(one.url, RECEIVER_URL + path);
  assert.equal(typeof one.responseDurationMs, "number");
  assert.ok(one.timestamp instanceof Date);
  assert.deepEqual(ids((await svix.messageAttempt.listByMsg(app.id, messages[0].id, { endpointId: "good" })).data), [one.id]);
  assert.deepEqual(ids(await walk((page) => svix.messageAttempt.listByMsg(app.id, messages[0].id, page))), ids(all));
});

check("and by endpoint, with filters", async () => {
  for (const m of messages) await attempted(app, m, 5);
  const list = (endpoint, options) => svix.messageAttempt.listByEndpoint(app.id, endpoint.id, options);
  const all = await walk((page) => list(bad, page), { limit: 5 });
  assert.equal(all.length, 12);
  assert.deepEqual(ids(all), ids(all).toSorted().toReversed(), "newest first");
  const count = async (options) => (await list(bad, { limit: 250, ...options })).data.length;
  assert.equal(await count({ status: 2 }), 12);
  assert.equal(await count({ status: 0 }), 0);
  assert.equal(await count({ statusCodeClass: 500 }), 12);
  assert.equal(await count({ statusCodeClass: 400 }), 0);
  assert.equal(await count({ channel: "eu" }), 12);
  assert.equal(await count({ channel: "us" }), 0);
  assert.equal(await count({ tag: "t" }), 12);
  assert.equal(await count({ eventTypes: [paid] }), 12);
  assert.equal(await count({ after: new Date(Date.now() - 3_600_000), before: new Date(Date.now() + 1000) }), 12);
  const [withMsg] = (await list(good, { limit: 1, withMsg: true })).data;
  assert.equal(withMsg.msg.id, withMsg.msgId);
  assert.equal((await list(good, { limit: 1, withContent: false })).data[0].response, "{}");
});

check("get one", async () => {
  const [one] = (await svix.messageAttempt.listByEndpoint(app.id, good.id, { limit: 1 })).data;
  const got = await svix.messageAttempt.get(app.id, one.msgId, one.id);
  assert.equal(got.id, one.id);
  assert.equal(got.response, "taken");
  await fails(404, svix.messageAttempt.get(app.id, one.msgId, "atmpt_nothing"), "not_found");
});

check("the messages an endpoint was tried with", async () => {
  await until("all are final", async () => (await svix.messageAttempt.listAttemptedMessages(app.id, bad.id, { status: 2 })).data.length === 3);
  const rows = await walk((page) => svix.messageAttempt.listAttemptedMessages(app.id, bad.id, page));
  assert.deepEqual(ids(rows), ids(messages).toReversed());
  assert.ok(rows.every((r) => r.status === 2 && r.statusText === "fail" && (r.nextAttempt ?? null) === null));
  const ok = await svix.messageAttempt.listAttemptedMessages(app.id, good.id, { status: 0, eventTypes: [paid], channel: "eu", withContent: true });
  assert.deepEqual(ok.data.map((r) => r.payload.i), [2, 1, 0]);
});

check("the endpoints a message went to", async () => {
  const rows = await walk((page) => svix.messageAttempt.listAttemptedDestinations(app.id, messages[0].id, page), { limit: 1 });
  assert.deepEqual(ids(rows), ids([good, bad]).toSorted());
  assert.deepEqual(Object.fromEntries(rows.map((r) => [r.uid, r.statusText])), { good: "success", bad: "fail" });
});

check("resend", async () => {
  const before = (await svix.messageAttempt.listByMsg(app.id, messages[1].id)).data.length;
  await svix.messageAttempt.resend(app.id, messages[1].id, good.id);
  const all = await attempted(app, messages[1], before + 1);
  assert.equal(all[0].triggerType, 1);
  assert.equal((await arrived(path, 4)).length, 4);
  await fails(404, svix.messageAttempt.resend(app.id, messages[1].id, "ep_nothing"), "not_found");
});

check("expunge the answer", async () => {
  const [one] = (await svix.messageAttempt.listByMsg(app.id, messages[2].id, { endpointId: good.id })).data;
  await svix.messageAttempt.expungeContent(app.id, messages[2].id, one.id);
  assert.equal((await svix.messageAttempt.get(app.id, messages[2].id, one.id)).response, "EXPUNGED");
});

check("what a disabled endpoint is owed is not sent", async () => {
  const target = await svix.endpoint.create(app.id, { url: `${RECEIVER_URL}${path}/canceled`, channels: ["canceled"] });
  const later = await svix.message.create(app.id, { eventType: paid, payload: {}, channels: ["canceled"], deliverAt: new Date(Date.now() + 3_600_000) });
  const there = async () => (await svix.messageAttempt.listAttemptedDestinations(app.id, later.id)).data.find((d) => d.id === target.id);
  assert.equal((await there()).statusText, "sending");
  await svix.endpoint.patch(app.id, target.id, { disabled: true });
  await until("it is given up", async () => ["canceled", "fail"].includes((await there()).statusText));
  assert.equal((await there()).nextAttempt ?? null, null);
});
