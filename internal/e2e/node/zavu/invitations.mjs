import { arrived, assert, fails, ids, isTime, newProject, operator, RECEIVER_URL, suite, walk } from "./harness.mjs";

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

check("the project's webhook is told what becomes of invitations", async () => {
  const own = await newProject();
  const path = "/completed";
  await fails(404, own.client.get("/v1/invitations/webhook"), "not_found");
  const url = RECEIVER_URL + path;
  const events = ["invitation.status_changed"];
  const { webhook } = await own.client.post("/v1/invitations/webhook", { body: { url, events } });
  assert.match(webhook.secret, /^whsec_/);
  assert.deepEqual({ ...webhook, secret: undefined }, { url, events, active: true, secret: undefined });
  assert.deepEqual(await own.client.get("/v1/invitations/webhook"), { webhook: { url, events, active: true } });
  assert.deepEqual(await own.client.patch("/v1/invitations/webhook", { body: { active: true } }), { webhook: { url, events, active: true } });
  const sender = await own.client.senders.create({ name: "Client", phoneNumber: "+15551234567" });
  const { invitation } = await own.client.invitations.create({ clientName: "John Doe", clientEmail: "john@example.com" });
  await operator("POST", `/invitations/${invitation.id}/complete?app=${own.id}`, { sender: sender.id });
  const requests = await arrived(path, 2);
  const me = await own.client.me.retrieve();
  const told = requests.map((r) => JSON.parse(r.body));
  const done = told.find((e) => e.data.currentStatus === "completed");
  assert.deepEqual(Object.keys(done), ["id", "type", "timestamp", "projectId", "data"]);
  assert.equal(done.type, "invitation.status_changed");
  assert.equal(done.projectId, me.project.id);
  assert.equal(done.data.invitationId, invitation.id);
  assert.equal(done.data.clientName, "John Doe");
  assert.equal(done.data.clientEmail, "john@example.com");
  assert.equal(done.data.previousStatus, "in_progress");
  assert.equal(done.data.newSenderId, sender.id);
  assert.equal(done.data.senderId, sender.id);
  for (const { headers } of requests) {
    assert.equal(headers["x-zavu-event"], "invitation.status_changed");
    assert.match(headers["x-zavu-signature"], /^t=\d+,v1=[0-9a-f]{64},v2=[0-9a-f]{64}$/);
  }
  assert.equal((await own.client.invitations.retrieve(invitation.id)).invitation.senderId, sender.id);
  assert.equal(await own.client.delete("/v1/invitations/webhook"), null);
  await fails(404, own.client.get("/v1/invitations/webhook"), "not_found");
});
