import { createHmac, timingSafeEqual } from "node:crypto";
import { arrived, assert, fails, ids, isTime, newProject, RECEIVER_URL, suite, walk } from "./harness.mjs";

const check = suite("senders");
const project = await newProject();
const { client } = project;

check("a sender is made, got, changed and deleted", async () => {
  const made = await client.senders.create({ name: "My Sender", phoneNumber: "+15551234567" });
  assert.match(made.id, /^snd_/);
  assert.equal(made.name, "My Sender");
  assert.equal(made.phoneNumber, "+15551234567");
  assert.equal(made.isDefault, false);
  assert.ok(Array.isArray(made.channels));
  assert.ok(!("webhook" in made), "no webhook, no field");
  isTime(made.createdAt);
  isTime(made.updatedAt);
  assert.deepEqual(await client.senders.retrieve(made.id), made);
  const renamed = await client.senders.update(made.id, { name: "Renamed", setAsDefault: true });
  assert.equal(renamed.name, "Renamed");
  assert.equal(renamed.isDefault, true);
  assert.equal(renamed.phoneNumber, made.phoneNumber);
  assert.equal(await client.senders.delete(made.id), null);
  await fails(404, client.senders.retrieve(made.id), "not_found");
  await fails(404, client.senders.delete(made.id), "not_found");
});

check("there is one default", async () => {
  const one = await client.senders.create({ name: "One", phoneNumber: "+15551230001", setAsDefault: true });
  const two = await client.senders.create({ name: "Two", phoneNumber: "+15551230002", setAsDefault: true });
  assert.equal((await client.senders.retrieve(one.id)).isDefault, false);
  assert.equal((await client.senders.retrieve(two.id)).isDefault, true);
});

check("senders are listed in the order in which they were made", async () => {
  const own = await newProject();
  const made = [];
  for (let i = 0; i < 5; i++) made.push(await own.client.senders.create({ name: `Sender ${i}`, phoneNumber: `+1555123100${i}` }));
  assert.deepEqual(ids(await walk((q) => own.client.senders.list(q))), ids(made));
  const page = await own.client.get("/v1/senders"); // as it is on the wire
  assert.equal(page.nextCursor, null);
  assert.equal(page.items.length, 5);
  for (const limit of [0, 101, -1]) await fails(400, own.client.senders.list({ limit }), "invalid_request");
  await fails(400, own.client.senders.list({ cursor: "nothing" }), "invalid_request");
});

check("wrong fields are named", async () => {
  const { details } = await fails(400, client.senders.create({ name: " ", phoneNumber: "555" }), "invalid_request");
  assert.deepEqual(Object.keys(details.fields).sort(), ["name", "phoneNumber"]);
  const events = await fails(400, client.senders.create({ name: "a", phoneNumber: "+15551234567", webhookUrl: "https://example.com/h", webhookEvents: ["message.nothing"] }), "invalid_request");
  assert.ok(events.details.allowed.includes("message.inbound"), JSON.stringify(events));
  await fails(400, client.senders.create({ name: "a", phoneNumber: "+15551234567", webhookUrl: "ftp://example.com" }), "invalid_request");
});

check("the webhook goes from state to state", async () => {
  const webhookUrl = `${RECEIVER_URL}/states`;
  const made = await client.senders.create({ name: "Hooked", phoneNumber: "+15551234568", webhookUrl, webhookEvents: ["message.inbound", "message.failed"] });
  const { secret } = made.webhook;
  assert.match(secret, /^whsec_[A-Za-z0-9]{32,}$/);
  assert.deepEqual({ ...made.webhook, secret: undefined }, { url: webhookUrl, events: ["message.inbound", "message.failed"], active: true, signatureVersion: "v2", secret: undefined });
  assert.ok(!("secret" in (await client.senders.retrieve(made.id)).webhook), "the secret is shown once");

  const moved = await client.senders.update(made.id, { webhookUrl: `${webhookUrl}/2`, webhookEvents: ["message.sent"] });
  assert.deepEqual(moved.webhook.events, ["message.sent"]);
  assert.ok(!("secret" in moved.webhook), "a new URL keeps the secret");
  assert.equal((await client.senders.update(made.id, { webhookActive: false })).webhook.active, false);
  assert.equal((await client.senders.update(made.id, { webhookActive: true })).webhook.active, true);
  await fails(400, client.senders.update(made.id, { webhookEvents: [] }), "invalid_request");

  const regenerated = await client.senders.regenerateWebhookSecret(made.id);
  assert.match(regenerated.secret, /^whsec_[A-Za-z0-9]{32,}$/);
  assert.notEqual(regenerated.secret, secret);

  assert.ok(!("webhook" in (await client.senders.update(made.id, { webhookUrl: null }))), "removed");
  await fails(400, client.senders.regenerateWebhookSecret(made.id), "webhook_not_configured");
  await fails(400, client.senders.update(made.id, { webhookActive: true }), "webhook_not_configured");
  const again = await client.senders.update(made.id, { webhookUrl });
  assert.ok(again.webhook.secret && again.webhook.secret !== regenerated.secret, "a new webhook has a new secret");
  assert.ok(again.webhook.events.includes("message.inbound") && again.webhook.events.includes("conversation.new"));
});

check("versions of the signature change one step at a time", async () => {
  const made = await client.senders.create({ name: "Signed", phoneNumber: "+15551234569", webhookUrl: `${RECEIVER_URL}/versions`, webhookSignatureVersion: "v1" });
  assert.equal(made.webhook.signatureVersion, "v1");
  await fails(400, client.senders.update(made.id, { webhookSignatureVersion: "v2" }), "invalid_request");
  for (const version of ["v1+v2", "v2"]) assert.equal((await client.senders.update(made.id, { webhookSignatureVersion: version })).webhook.signatureVersion, version);
});

// The two generations of receivers that the guides tell people to write.
const hmac = (secret, text) => createHmac("sha256", secret).update(text).digest("hex");
const parts = (header) => Object.fromEntries(header.split(",").map((part) => part.split("=", 2)));
const same = (a = "", b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
const older = ({ t, v1 }, body, secret) => same(v1, hmac(secret, `${t}.${body}`));
const newer = ({ t, v1, v2 }, body, secret) => (v2 ? same(v2, hmac(secret, `${t}.${body}`)) : same(v1, hmac(secret, body)));

check("events arrive signed, in their envelope", async () => {
  const own = await newProject();
  const path = "/signed";
  const made = await own.client.senders.create({ name: "Signed", phoneNumber: "+15551234570", webhookUrl: RECEIVER_URL + path, webhookEvents: ["message.queued", "message.sent", "message.delivered"] });
  const { message } = await own.testClient.messages.send({ to: "+14155551234", text: "Hello", metadata: { orderId: "42" }, "Zavu-Sender": made.id });
  const requests = await arrived(path, 3);
  const me = await own.client.me.retrieve();
  const types = [];
  for (const { headers, body } of requests) {
    const event = JSON.parse(body);
    types.push(event.type);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["user-agent"], "Zavu-Webhook/1.0");
    assert.equal(headers["x-zavu-event"], event.type);
    const signature = parts(headers["x-zavu-signature"]);
    assert.ok(Math.abs(Date.now() / 1000 - Number(signature.t)) < 60, headers["x-zavu-signature"]);
    assert.ok(older(signature, body, made.webhook.secret), "a receiver written from the older guide");
    assert.ok(newer(signature, body, made.webhook.secret), "a receiver written from the newer guide");
    assert.match(event.id, /^evt_/);
    assert.ok(Math.abs(Date.now() - event.timestamp) < 60_000, `timestamp ${event.timestamp}`);
    assert.equal(event.senderId, made.id);
    assert.equal(event.projectId, me.project.id);
    assert.equal(event.data.messageId, message.id);
    assert.equal(event.data.status, event.type.split(".")[1]);
    assert.deepEqual(event.data.metadata, { orderId: "42" });
  }
  assert.deepEqual(types.sort(), ["message.delivered", "message.queued", "message.sent"]);
});
