import { assert, fails, ids, newProject, suite, walk } from "./harness.mjs";

const check = suite("conversations");
const { client, testClient } = await newProject();
const sender = await client.senders.create({ name: "Shop", phoneNumber: "+15551234567" });
const send = async (to, text) => (await testClient.messages.send({ to, text })).message;

check("a thread has its messages", async () => {
  const one = await send("+14155550001", "One");
  const two = await send("+14155550001", "Two");
  assert.equal(two.conversationId, one.conversationId);
  const { conversation } = await client.conversations.retrieve(one.conversationId);
  assert.equal(conversation.id, one.conversationId);
  assert.equal(conversation.senderId, sender.id);
  assert.equal(conversation.contactIdentifier, "+14155550001");
  assert.match(conversation.contactId, /^con_/);
  assert.equal(conversation.messageCount, 2);
  assert.equal(conversation.unreadCount, 0);
  assert.equal(conversation.lastMessage.id, two.id);
  assert.equal(conversation.lastMessage.text, "Two");
  assert.equal(conversation.lastMessage.direction, "outbound");
  assert.deepEqual(ids(await walk((q) => client.conversations.listMessages(one.conversationId, q), 1)), [two.id, one.id]);
  assert.equal((await client.conversations.markAsRead(one.conversationId)).conversation.unreadCount, 0);
  await fails(404, client.conversations.retrieve("conv_nothing"), "not_found");
  await fails(404, client.conversations.markAsRead("conv_nothing"), "not_found");
  const other = await newProject();
  await fails(404, other.client.conversations.retrieve(one.conversationId), "not_found");
});

check("threads are listed and filtered", async () => {
  const made = [];
  for (let i = 0; i < 4; i++) made.push(await send(`+1415555300${i}`, `Hello ${i}`));
  const listed = ids(await walk((q) => client.conversations.list(q)));
  for (const m of made) assert.ok(listed.includes(m.conversationId));
  assert.equal(ids((await client.conversations.list({ senderId: sender.id })).items).length, listed.length);
  assert.deepEqual((await client.conversations.list({ channel: "email" })).items, []);
  assert.deepEqual(ids((await client.conversations.list({ search: "+14155553002" })).items), [made[2].conversationId]);
});
