import { arrived, assert, eventTypesField, fails, ids, newApp, newTypes, rateField, RECEIVER_URL, replace, run, setHeaders, suite, svix, until, v1, walk, Webhook } from "./harness.mjs";

const check = suite("endpoints");
const path = `/endpoints/${run}`;
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const next = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
let app, endpoint, paid, sent;

check("create with everything", async () => {
  app = await newApp();
  [paid, sent] = await newTypes("invoice.paid", "invoice.sent");
  endpoint = await svix.endpoint.create(app.id, {
    url: RECEIVER_URL + path,
    uid: "main",
    description: "receiver",
    [eventTypesField]: [paid, sent],
    channels: ["eu"],
    [rateField]: 1000,
    metadata: { team: "a" },
    headers: { "X-Team": "a" },
    secret,
  });
  assert.match(endpoint.id, /^ep_[0-9A-Za-z]{27}$/);
  if (v1) assert.equal(endpoint.version, 1);
  assert.deepEqual(endpoint[eventTypesField].toSorted(), [paid, sent].toSorted());
  assert.deepEqual(endpoint.channels, ["eu"]);
  assert.equal(endpoint[rateField], 1000);
  assert.deepEqual(endpoint.metadata, { team: "a" });
  assert.equal(endpoint.disabled, false);
});

check("get by id and by uid", async () => {
  assert.deepEqual(await svix.endpoint.get(app.id, endpoint.id), endpoint);
  assert.deepEqual(await svix.endpoint.get(app.uid, "main"), endpoint);
});

check("list in both directions and orders", async () => {
  const other = await newApp();
  const made = [];
  for (let i = 0; i < 5; i++) made.push((await svix.endpoint.create(other.id, { url: `https://receiver.example/${i}` })).id);
  assert.deepEqual(ids(await walk((page) => svix.endpoint.list(other.id, { ...page, order: "ascending" }))), made);
  assert.deepEqual(ids(await walk((page) => svix.endpoint.list(other.id, page))), made.toReversed());
});

check("read and rotate the secret; both sign", async () => {
  assert.equal((await svix.endpoint.getSecret(app.id, endpoint.id)).key, secret);
  await svix.endpoint.rotateSecret(app.id, endpoint.id, { key: next });
  assert.equal((await svix.endpoint.getSecret(app.id, endpoint.id)).key, next);
  const msg = await svix.message.create(app.id, { eventType: paid, channels: ["eu"], payload: { n: 1 } });
  const [{ headers, body }] = await arrived(path);
  assert.equal(headers["svix-id"], msg.id);
  assert.equal(headers["x-team"], "a");
  for (const key of [secret, next]) new Webhook(key).verify(body, headers);
  assert.throws(() => new Webhook(`whsec_${Buffer.alloc(32, 9).toString("base64")}`).verify(body, headers));
});

check("rotate to a fresh secret", async () => {
  await svix.endpoint.rotateSecret(app.id, endpoint.id, {});
  const { key } = await svix.endpoint.getSecret(app.id, endpoint.id);
  assert.match(key, /^whsec_/);
  assert.notEqual(key, next);
});

check("set, read and change headers", async () => {
  await svix.endpoint[setHeaders](app.id, endpoint.id, { headers: { "X-One": "1", Authorization: "Basic abc" } });
  let got = await svix.endpoint.getHeaders(app.id, endpoint.id);
  assert.deepEqual(got.headers, { "X-One": "1" });
  assert.deepEqual(got.sensitive.map((name) => name.toLowerCase()), ["authorization"]);
  await svix.endpoint.patchHeaders(app.id, endpoint.id, { headers: { "X-Two": "2" }, deleteHeaders: ["X-One"] });
  got = await svix.endpoint.getHeaders(app.id, endpoint.id);
  assert.deepEqual(got.headers, { "X-Two": "2" });
  await svix.message.create(app.id, { eventType: sent, channels: ["eu"], payload: { n: 2 } });
  const last = (await arrived(path, 2)).at(-1);
  assert.equal(last.headers["x-two"], "2");
  assert.equal(last.headers.authorization, "Basic abc");
  assert.equal(last.headers["x-one"], undefined);
  await fails(422, svix.endpoint[setHeaders](app.id, endpoint.id, { headers: { "svix-id": "x" } }));
});

check("statistics count attempts", async () => {
  await until("two attempts are counted", async () => (await svix.endpoint.getStats(app.id, endpoint.id)).success === 2);
  const stats = await svix.endpoint.getStats(app.id, endpoint.id, { since: new Date(Date.now() - 3_600_000), until: new Date() });
  for (const name of ["success", "pending", "sending", "fail", "canceled"]) assert.equal(typeof stats[name], "number");
  await fails(400, svix.endpoint.getStats(app.id, endpoint.id, { since: new Date(Date.now() - 60 * 86_400_000) }), "invalid_range");
});

check("send an example", async () => {
  const [type] = await newTypes("with.example");
  const schema = { type: "object", properties: { n: { type: "integer" } }, examples: [{ n: 5 }] };
  await svix.eventType.patch(type, { schemas: { 1: schema } });
  const target = await svix.endpoint.create(app.id, { url: `${RECEIVER_URL}${path}/example` });
  const msg = await svix.endpoint.sendExample(app.id, target.id, { eventType: type });
  assert.equal(msg.eventType, type);
  const [{ headers, body }] = await arrived(`${path}/example`);
  assert.equal(headers["svix-id"], msg.id);
  assert.deepEqual(JSON.parse(body), { n: 5 });
  new Webhook((await svix.endpoint.getSecret(app.id, target.id)).key).verify(body, headers);
  await svix.endpoint.sendExample(app.id, target.id, { eventType: "svix.ping" });
  assert.deepEqual(JSON.parse((await arrived(`${path}/example`, 2)).at(-1).body), { success: true });
  await fails(404, svix.endpoint.sendExample(app.id, target.id, { eventType: `${run}.unknown` }));
});

check("patch keeps what is absent, and null clears", async () => {
  const patched = await svix.endpoint.patch(app.id, endpoint.id, { disabled: true, channels: null });
  assert.equal(patched.disabled, true);
  assert.equal(patched.channels ?? null, null);
  assert.equal(patched.uid, "main");
  assert.equal((await svix.endpoint.get(app.id, endpoint.id)).disabled, true);
});

check("replace clears what is absent, but not the secret", async () => {
  const before = (await svix.endpoint.getSecret(app.id, endpoint.id)).key;
  const replaced = await svix.endpoint[replace](app.id, endpoint.id, { url: `${RECEIVER_URL}${path}/new` });
  assert.equal(replaced.id, endpoint.id);
  assert.equal(replaced.uid ?? null, null);
  assert.equal(replaced.disabled, false);
  assert.deepEqual(replaced.metadata, {});
  assert.equal((await svix.endpoint.getSecret(app.id, endpoint.id)).key, before);
});

check("transformations are known and not offered", async () => {
  const get = v1 ? svix.endpoint.transformationGet(app.id, endpoint.id) : svix.endpoint.transformation.get(app.id, endpoint.id);
  await fails(501, get, "not_implemented");
  const change = { code: "function handler(webhook) { return webhook }", enabled: true };
  const patch = v1 ? svix.endpoint.patchTransformation(app.id, endpoint.id, change) : svix.endpoint.transformation.patch(app.id, endpoint.id, change);
  await fails(501, patch, "not_implemented");
});

check("what is wrong is named", async () => {
  await fails(422, svix.endpoint.create(app.id, { url: "ftp://example.com" }), ["body", "url"]);
  await fails(422, svix.endpoint.create(app.id, { url: "https://receiver.example/", [eventTypesField]: [] }), ["body", eventTypesField]);
  await fails(422, svix.endpoint.create(app.id, { url: "https://receiver.example/", [eventTypesField]: [`${run}.unknown`] }));
});

check("delete", async () => {
  await svix.endpoint.delete(app.id, endpoint.id);
  await fails(404, svix.endpoint.get(app.id, endpoint.id), "not_found");
});
