import { as, assert, fails, ids, isTime, newProject, SERVER_URL, suite, until, walk } from "./harness.mjs";

const check = suite("messages");
const project = await newProject();
const { client, testClient } = project;
const sender = await client.senders.create({ name: "Shop", phoneNumber: "+15551234567", setAsDefault: true });

const reached = (id, status) =>
  until(`message ${id} is ${status}`, async () => {
    const { message } = await testClient.messages.retrieve(id);
    return message.status === status && message;
  });

check("a message is sent and can be followed", async () => {
  const { message } = await testClient.messages.send({ to: "+14155551234", text: "Hello", metadata: { orderId: "42" }, "Zavu-Sender": sender.id });
  assert.match(message.id, /^msg_/);
  assert.match(message.conversationId, /^conv_/);
  assert.equal(message.direction, "outbound");
  assert.equal(message.channel, "sms");
  assert.equal(message.messageType, "text");
  assert.equal(message.status, "queued");
  assert.equal(message.to, "+14155551234");
  assert.equal(message.senderId, sender.id);
  assert.equal(message.text, "Hello");
  assert.deepEqual(message.metadata, { orderId: "42" });
  isTime(message.createdAt);
  const began = Date.now();
  const delivered = await reached(message.id, "delivered");
  assert.ok(Date.now() - began < 5000, "a simulated message is delivered within moments");
  assert.equal(delivered.text, "Hello");
});

check("without Zavu-Sender the default sender is taken, and an unknown one is not found", async () => {
  const { message } = await testClient.messages.send({ to: "+14155551234", text: "Hello" });
  assert.equal(message.senderId, sender.id);
  await fails(404, testClient.messages.send({ to: "+14155551234", text: "Hello", "Zavu-Sender": "snd_nothing" }), "not_found");
  const other = await newProject();
  const foreign = await other.client.senders.create({ name: "Foreign", phoneNumber: "+15551234567" });
  await fails(404, testClient.messages.send({ to: "+14155551234", text: "Hello", "Zavu-Sender": foreign.id }), "not_found");
  await fails(404, other.client.messages.retrieve(message.id), "not_found");
});

check("a key that has sent before sends nothing and is not asked again", async () => {
  let requests = 0;
  const counting = as(project.test.key, { fetch: (...args) => (requests++, fetch(...args)) });
  const idempotencyKey = `order-${Date.now()}`;
  const { message } = await counting.messages.send({ to: "+14155551234", text: "Once", idempotencyKey });
  assert.equal(requests, 1);
  const body = await fails(409, counting.messages.send({ to: "+14155559999", text: "Something else", idempotencyKey }), "idempotency_conflict");
  assert.equal(requests, 2, "the client does not repeat what conflicts");
  assert.equal(body.details.messageId, message.id);
  assert.equal(body.details.message.id, message.id);
  assert.equal(body.details.message.to, "+14155551234");
  assert.ok(["queued", "sending", "sent", "delivered"].includes(body.details.message.status));
  await fails(409, testClient.messages.send({ to: "+14155551234", text: "Once" }, { headers: { "Idempotency-Key": idempotencyKey } }), "idempotency_conflict");
  // The body wins over the header, and other projects have keys of their own.
  await testClient.messages.send({ to: "+14155551234", text: "Twice", idempotencyKey: `${idempotencyKey}-2` }, { headers: { "Idempotency-Key": idempotencyKey } });
  const other = await newProject();
  await other.client.senders.create({ name: "Shop", phoneNumber: "+15551234567" });
  await other.testClient.messages.send({ to: "+14155551234", text: "Once", idempotencyKey });
});

check("messages are listed newest first, and filtered", async () => {
  const own = await newProject();
  await own.client.senders.create({ name: "Shop", phoneNumber: "+15551234567" });
  const made = [];
  for (let i = 0; i < 5; i++) made.push((await own.testClient.messages.send({ to: `+1415555100${i}`, text: `Hello ${i}` })).message);
  const list = own.client.messages;
  assert.deepEqual(ids(await walk((q) => list.list(q))), ids(made).reverse());
  assert.deepEqual(ids((await list.list({ to: "+14155551002" })).items), [made[2].id]);
  assert.equal((await list.list({ channel: "sms" })).items.length, 5);
  assert.equal((await list.list({ channel: "email" })).items.length, 0);
  await until("all are delivered", async () => (await list.list({ status: "delivered" })).items.length === 5);
  assert.equal((await list.list({ status: "failed" })).items.length, 0);
  await fails(400, list.list({ limit: 0 }), "invalid_request");
  await fails(400, list.list({ cursor: "nothing" }), "invalid_request");
});

check("wrong fields are named", async () => {
  for (const [wrong, field] of [
    [{ text: "Hello" }, "to"],
    [{ to: "+14155551234" }, "text"],
    [{ to: "+14155551234", text: "Hello", channel: "pigeon" }, "channel"],
    [{ to: "+14155551234", text: "Hello", messageType: "dance" }, "messageType"],
  ]) {
    const { details } = await fails(400, testClient.messages.send(wrong), "invalid_request");
    assert.ok(field in details.fields, JSON.stringify(details));
  }
  const { status, headers } = await fetch(`${SERVER_URL}/v1/messages`, { method: "POST", headers: { Authorization: `Bearer ${project.test.key}` }, body: "{not json" });
  assert.equal(status, 400);
  assert.ok(headers.get("x-ratelimit-limit"));
});

check("mails have subjects, bodies and attachments", async () => {
  const mailer = await client.senders.create({ name: "Mailer", emailAddress: "shop@example.com" });
  const { message } = await testClient.messages.send({
    to: "ada@example.com",
    subject: "Your order",
    htmlBody: "<p>Thank you</p>",
    text: "Thank you",
    attachments: [{ filename: "order.txt", content: Buffer.from("one hat").toString("base64"), content_type: "text/plain" }],
    "Zavu-Sender": mailer.id,
  });
  assert.equal(message.channel, "email");
  const { items } = await client.messages.listAttachments(message.id);
  assert.equal(items.length, 1);
  assert.equal(items[0].filename, "order.txt");
  assert.equal(items[0].mimeType, "text/plain");
  assert.equal(items[0].size, 7);
  const { message: bare } = await testClient.messages.send({ to: "+14155551234", text: "Hello" });
  assert.deepEqual((await client.messages.listAttachments(bare.id)).items, []);
});

check("a reaction is a message", async () => {
  const { message } = await testClient.messages.send({ to: "+14155551234", channel: "whatsapp", text: "Hello" });
  const { message: reaction } = await testClient.messages.react(message.id, { emoji: "👍" });
  assert.equal(reaction.messageType, "reaction");
  assert.match(reaction.id, /^msg_/);
  await fails(404, testClient.messages.react("msg_nothing", { emoji: "👍" }), "not_found");
  await fails(404, testClient.messages.showTyping("msg_nothing"), "not_found");
});
