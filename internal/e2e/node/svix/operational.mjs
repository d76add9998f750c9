import { arrived, assert, eventTypesField, fails, ids, newApp, newTypes, RECEIVER_URL, replace, run, setHeaders, suite, svix, until, walk, Webhook } from "./harness.mjs";

const check = suite("operational webhooks");
const path = `/operational/${run}`;
const hooks = svix.operationalWebhook.endpoint;
let endpoint, secret;

check("create, get and list in both directions", async () => {
  endpoint = await hooks.create({ url: RECEIVER_URL + path, uid: `main-${run}`, description: "ours", metadata: { a: "b" } });
  secret = (await hooks.getSecret(endpoint.id)).key;
  assert.match(secret, /^whsec_/);
  assert.deepEqual(await hooks.get(endpoint.id), endpoint);
  assert.equal((await hooks.get(endpoint.uid)).id, endpoint.id);
  const made = [endpoint.id];
  for (let i = 0; i < 4; i++)
    made.push((await hooks.create({ url: `${RECEIVER_URL}${path}/other`, [eventTypesField]: ["background_task.finished"], disabled: true })).id);
  const mine = (row) => made.includes(row.id);
  assert.deepEqual(ids(await walk((page) => hooks.list({ ...page, order: "ascending" }), { mine })), made);
  for (const id of made.slice(1)) await hooks.delete(id);
});

// told waits for an operational event about an application, proves it and returns what it says.
const told = (type, app) =>
  until(`${type} of ${app.id}`, async () => {
    for (const { headers, body } of await arrived(path, 0)) {
      const event = JSON.parse(body);
      if (event.type !== type || event.data.appId !== app.id) continue;
      new Webhook(secret).verify(body, headers);
      return event.data;
    }
  });

check("what happens to endpoints is told", async () => {
  const app = await newApp();
  const target = await svix.endpoint.create(app.id, { url: `${RECEIVER_URL}/status/500${path}/target`, uid: "target" });
  const created = await told("endpoint.created", app);
  assert.equal(created.endpointId, target.id);
  assert.equal(created.endpointUid, "target");
  assert.equal(created.appUid, app.uid);
  await svix.endpoint.patch(app.id, target.id, { description: "changed" });
  assert.equal((await told("endpoint.updated", app)).endpointId, target.id);
  const [type] = await newTypes("operational.type");
  const message = await svix.message.create(app.id, { eventType: type, payload: {}, eventId: "first" });
  const exhausted = await told("message.attempt.exhausted", app);
  assert.equal(exhausted.msgId, message.id);
  assert.equal(exhausted.msgEventId, "first");
  assert.equal(exhausted.lastAttempt.responseStatusCode, 500);
  await svix.endpoint.delete(app.id, target.id);
  assert.equal((await told("endpoint.deleted", app)).endpointId, target.id);
});

check("headers", async () => {
  await hooks[setHeaders](endpoint.id, { headers: { "X-Ours": "1", Authorization: "secret" } });
  const got = await hooks.getHeaders(endpoint.id);
  assert.deepEqual(got.headers, { "X-Ours": "1" });
  assert.deepEqual(got.sensitive.map((name) => name.toLowerCase()), ["authorization"]);
});

check("rotate the secret", async () => {
  await hooks.rotateSecret(endpoint.id, {});
  assert.notEqual((await hooks.getSecret(endpoint.id)).key, secret);
});

check("replace", async () => {
  const replaced = await hooks[replace](endpoint.id, { url: endpoint.url, [eventTypesField]: ["endpoint.disabled"], description: "fewer" });
  assert.equal(replaced.id, endpoint.id);
  assert.equal(replaced.description, "fewer");
  assert.deepEqual(replaced[eventTypesField], ["endpoint.disabled"]);
  assert.deepEqual(replaced.metadata, {});
});

check("delete", async () => {
  await hooks.delete(endpoint.id);
  await fails(404, hooks.get(endpoint.id), "not_found");
});
