import { arrived, assert, fails, ids, isTime, newProject, RECEIVER_URL, suite, walk } from "./harness.mjs";

const check = suite("invitations");
const { client } = await newProject();
const webhook = "/v1/invitations/webhook";

check("an invitation is made, got and cancelled, and the project's webhook is told", async () => {
  const path = "/invitations";
  await client.post(webhook, { body: { url: RECEIVER_URL + path } });
  const { invitation } = await client.invitations.create({ clientName: "John Doe", clientEmail: "john@example.com" });
  assert.match(invitation.id, /^inv_/);
  assert.equal(invitation.status, "pending");
  assert.equal(invitation.clientName, "John Doe");
  assert.equal(invitation.connectionType, "whatsapp_waba");
  assert.ok(new URL(invitation.url));
  assert.ok(invitation.token);
  isTime(invitation.createdAt);
  const week = (Date.parse(invitation.expiresAt) - Date.parse(invitation.createdAt)) / 86_400_000;
  assert.ok(Math.abs(week - 7) < 0.01, `${week} days`);
  assert.equal((await client.invitations.retrieve(invitation.id)).invitation.id, invitation.id);
  assert.equal((await client.invitations.cancel(invitation.id)).invitation.status, "cancelled");
  await fails(400, client.invitations.cancel(invitation.id), "invalid_request");
  await fails(404, client.invitations.retrieve("inv_nothing"), "not_found");
  const [{ body }] = await arrived(path);
  const event = JSON.parse(body);
  assert.equal(event.type, "invitation.status_changed");
  assert.ok(!("senderId" in event), "events of a project have no sender");
  assert.equal(event.data.invitationId, invitation.id);
  assert.equal(event.data.clientName, "John Doe");
  assert.equal(event.data.currentStatus, "cancelled");
});

check("invitations are listed newest first, and filtered", async () => {
  const own = await newProject();
  const made = [];
  for (let i = 0; i < 5; i++) made.push((await own.client.invitations.create({ clientName: `Client ${i}` })).invitation);
  await own.client.invitations.cancel(made[2].id);
  assert.deepEqual(ids(await walk((q) => own.client.invitations.list(q))), ids(made).reverse());
  assert.deepEqual(ids((await own.client.invitations.list({ status: "cancelled" })).items), [made[2].id]);
});

check("wrong fields are refused", async () => {
  for (const [wrong, field] of [
    [{ expiresInDays: 31 }, "expiresInDays"],
    [{ clientName: "x".repeat(101) }, "clientName"],
  ]) {
    const { details } = await fails(400, client.invitations.create(wrong), "invalid_request");
    assert.ok(field in details.fields, JSON.stringify(details));
  }
  await fails(400, client.invitations.create({ connectionType: "messenger", phoneNumberId: "1" }), "invalid_request");
});

check("a project has one webhook", async () => {
  const own = (await newProject()).client;
  await fails(404, own.get(webhook), "not_found");
  const url = `${RECEIVER_URL}/project`;
  const { webhook: made } = await own.post(webhook, { body: { url, events: ["invitation.status_changed"] } });
  assert.match(made.secret, /^whsec_[A-Za-z0-9]{32,}$/);
  const shown = { url, events: ["invitation.status_changed"], active: true };
  assert.deepEqual(made, { ...shown, secret: made.secret });
  assert.deepEqual(await own.get(webhook), { webhook: shown });
  assert.deepEqual(await own.patch(webhook, { body: { active: false } }), { webhook: { ...shown, active: false } });
  const { webhook: again } = await own.post(webhook, { body: { url: `${url}/2` } });
  assert.ok(again.secret && again.secret !== made.secret && again.active);
  await fails(400, own.post(webhook, { body: { url, events: ["message.inbound"] } }), "invalid_request");
  assert.equal(await own.delete(webhook), null);
  await fails(404, own.get(webhook), "not_found");
});
