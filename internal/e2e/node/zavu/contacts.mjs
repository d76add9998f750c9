import { assert, fails, ids, isTime, newProject, suite, walk } from "./harness.mjs";

const check = suite("contacts");
const { client, testClient } = await newProject();

check("a contact is made, found, changed and deleted", async () => {
  const made = await client.contacts.create({
    displayName: "Ada",
    channels: [
      { channel: "sms", identifier: "+14155550001", isPrimary: true },
      { channel: "email", identifier: "ada@example.com", label: "work" },
    ],
    metadata: { tier: "gold" },
  });
  assert.match(made.id, /^con_/);
  assert.equal(made.displayName, "Ada");
  assert.equal(made.primaryPhone, "+14155550001");
  assert.equal(made.primaryEmail, "ada@example.com");
  assert.deepEqual([...made.availableChannels].sort(), ["email", "sms"]);
  assert.deepEqual(made.metadata, { tier: "gold" });
  assert.equal(typeof made.verified, "boolean");
  assert.equal(made.channels.length, 2);
  isTime(made.createdAt);
  assert.equal((await client.contacts.retrieve(made.id)).id, made.id);
  assert.equal((await client.contacts.retrieveByPhone("+14155550001")).id, made.id);
  await fails(404, client.contacts.retrieveByPhone("+14155550009"), "not_found");
  const changed = await client.contacts.update(made.id, { displayName: null, metadata: { tier: "silver" } });
  assert.ok(!changed.displayName);
  assert.deepEqual(changed.metadata, { tier: "silver" });
  assert.equal(await client.contacts.delete(made.id), null);
  await fails(404, client.contacts.retrieve(made.id), "not_found");
});

check("an identifier belongs to one contact", async () => {
  const channels = [{ channel: "sms", identifier: "+14155550002" }];
  await client.contacts.create({ channels });
  await fails(409, client.contacts.create({ channels }), "conflict");
  await fails(400, client.contacts.create({ channels: [] }), "invalid_request");
});

check("channels are added, changed, made primary and removed", async () => {
  const made = await client.contacts.create({ channels: [{ channel: "email", identifier: "one@example.com" }] });
  const { channel } = await client.contacts.channels.add(made.id, { channel: "email", identifier: "two@example.com", label: "work" });
  assert.equal(channel.identifier, "two@example.com");
  assert.equal(channel.label, "work");
  const params = { contactId: made.id };
  assert.equal((await client.contacts.channels.update(channel.id, { ...params, label: "home" })).channel.label, "home");
  assert.equal((await client.contacts.channels.setPrimary(channel.id, params)).channel.isPrimary, true);
  assert.equal((await client.contacts.retrieve(made.id)).primaryEmail, "two@example.com");
  assert.equal(await client.contacts.channels.remove(channel.id, params), null);
  assert.equal((await client.contacts.retrieve(made.id)).channels.length, 1);
});

check("contacts are listed, searched and merged", async () => {
  const own = await newProject();
  const made = [];
  for (let i = 0; i < 5; i++) made.push(await own.client.contacts.create({ displayName: `Person ${i}`, channels: [{ channel: "sms", identifier: `+1415555200${i}` }] }));
  assert.deepEqual(ids(await walk((q) => own.client.contacts.list(q))), ids(made));
  assert.deepEqual(ids((await own.client.contacts.list({ phoneNumber: "+14155552003" })).items), [made[3].id]);
  assert.deepEqual(ids((await own.client.contacts.list({ search: "person 4" })).items), [made[4].id]);
  const merged = await own.client.contacts.merge(made[0].id, { sourceContactId: made[1].id });
  assert.equal(merged.id, made[0].id);
  assert.equal(merged.channels.length, 2);
  await fails(404, own.client.contacts.retrieve(made[1].id), "not_found");
});

check("whoever is written to becomes a contact", async () => {
  await client.senders.create({ name: "Shop", phoneNumber: "+15551234567" });
  await testClient.messages.send({ to: "+14155550003", text: "Hello" });
  assert.match((await client.contacts.retrieveByPhone("+14155550003")).id, /^con_/);
});
