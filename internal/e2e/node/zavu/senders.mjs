import { createHmac } from "node:crypto";
import { arrived, as, assert, fails, ids, isTime, newProject, operator, RECEIVER_URL, SERVER_URL, suite, until, walk } from "./harness.mjs";

const check = suite("senders");
const project = await newProject();
const { client } = project;

// newSender makes a sender, and gives it a bot, so that people can write to it.
let bots = 0;
async function newSender(body = {}) {
  const sender = await client.senders.create({ name: "My Sender", ...body });
  const secret_token = `senders-${++bots}`;
  await operator("PUT", `/apps/${project.id}/senders`, {
    senders: [{ id: sender.id, channel: "telegram", provider: "telegram", credentials: { secret_token } }],
  });
  let update = 0;
  const writes = async (text) => {
    const body = { update_id: ++update, message: { message_id: update, date: Math.floor(Date.now() / 1000), chat: { id: 7, type: "private" }, from: { id: 7, first_name: "Ada" }, text } };
    const answer = await fetch(`${SERVER_URL}/in/${sender.id}`, { method: "POST", headers: { "X-Telegram-Bot-Api-Secret-Token": secret_token }, body: JSON.stringify(body) });
    assert.equal(answer.status, 200);
  };
  return { sender, writes };
}

const of = (requests, type) => requests.filter((r) => JSON.parse(r.body).type === type);

check("the published example", async () => {
  const created = await client.senders.create({
    name: "My Sender",
    phoneNumber: "+15551234567",
    webhookUrl: "https://your-app.com/webhooks/zavu",
    webhookEvents: ["message.inbound", "message.delivered", "message.failed"],
  });
  assert.match(created.id, /^snd_/);
  assert.match(created.webhook.secret, /^whsec_[A-Za-z0-9]{32,}$/);
  isTime(created.createdAt);
  isTime(created.updatedAt);
  const { secret, ...webhook } = created.webhook;
  assert.deepEqual(webhook, {
    url: "https://your-app.com/webhooks/zavu",
    events: ["message.inbound", "message.delivered", "message.failed"],
    active: true,
    signatureVersion: "v2",
  });
  assert.equal(created.name, "My Sender");
  assert.equal(created.phoneNumber, "+15551234567");
  assert.equal(created.isDefault, false);
  assert.deepEqual(created.channels, ["sms"]);
  assert.deepEqual(await client.senders.retrieve(created.id), { ...created, webhook });

  const updated = await client.senders.update(created.id, { webhookUrl: "https://new-url.com/webhooks", webhookEvents: ["message.inbound"], webhookActive: true });
  assert.deepEqual(updated.webhook, { ...webhook, url: "https://new-url.com/webhooks", events: ["message.inbound"] });
  assert.equal((await client.senders.update(created.id, { webhookActive: false })).webhook.active, false);
  const fresh = await client.senders.regenerateWebhookSecret(created.id);
  assert.match(fresh.secret, /^whsec_[A-Za-z0-9]{32,}$/);
  assert.notEqual(fresh.secret, secret);
  assert.equal((await client.senders.update(created.id, { webhookUrl: null })).webhook, undefined);
  assert.equal((await client.senders.update(created.id, { webhookUrl: null })).webhook, undefined);
  const again = await client.senders.update(created.id, { webhookUrl: "https://new-url.com/webhooks" });
  assert.ok(again.webhook.secret && again.webhook.secret !== fresh.secret);
  assert.equal(again.webhook.active, true);
  assert.ok(again.webhook.events.length > 8 && !again.webhook.events.includes("invitation.status_changed"));
  assert.equal(await client.senders.delete(created.id), null);
  await fails(404, client.senders.retrieve(created.id), "not_found");
});

check("list goes from page to page in the order of creation", async () => {
  const { client } = await newProject();
  const made = [];
  for (let n = 0; n < 5; n++) made.push((await client.senders.create({ name: "Same name" })).id);
  assert.deepEqual(ids(await walk((page) => client.senders.list(page))), made);
  const page = await client.senders.list({ limit: 3 });
  assert.equal(page.items.length, 3);
  assert.ok(page.nextCursor);
  assert.ok(!(await client.senders.list()).nextCursor);
});

check("one sender is the default", async () => {
  const { client } = await newProject();
  const first = await client.senders.create({ name: "First", setAsDefault: true });
  const second = await client.senders.create({ name: "Second" });
  assert.deepEqual([first.isDefault, second.isDefault], [true, false]);
  assert.equal((await client.senders.update(second.id, { setAsDefault: true })).isDefault, true);
  assert.equal((await client.senders.retrieve(first.id)).isDefault, false);
});

check("channels are what was switched on", async () => {
  const mail = await client.senders.create({ name: "Mail", emailAddress: "noreply@example.com", emailReceivingEnabled: true, emailFromName: "Ada", emailDomainId: "dom_1" });
  assert.deepEqual(mail.channels, ["email"]);
  assert.equal(mail.phoneNumber, "");
  assert.equal(mail.emailAddress, "noreply@example.com");
  assert.equal(mail.emailReceivingEnabled, true);
  assert.equal((await client.senders.update(mail.id, { emailCatchAllEnabled: true })).emailCatchAllEnabled, true);
  assert.deepEqual((await client.senders.update(mail.id, { enableSmsOneway: true })).channels, ["sms_oneway", "email"]);
  assert.deepEqual((await client.senders.update(mail.id, { enableSmsOneway: false })).channels, ["email"]);
  await fails(400, client.senders.update(mail.id, { enableVoice: true }), "invalid_request");
  const phone = await client.senders.create({ name: "Phone", phoneNumber: "+15551234567", enableVoice: true, enableSmsOneway: true });
  assert.deepEqual(phone.channels, ["sms", "sms_oneway", "voice"]);
});

check("refusals say which field, and what is allowed", async () => {
  const { id } = await client.senders.create({ name: "Bare" });
  const field = async (call, name) => assert.ok((await fails(400, call, "invalid_request")).details.fields[name], name);
  await field(client.senders.create({}), "name");
  await field(client.senders.create({ name: "x", phoneNumber: "555-1234" }), "phoneNumber");
  for (const webhookUrl of ["http://example.com/", "https://10.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/", "https://u:p@example.com/", "/webhooks", ""])
    await field(client.senders.create({ name: "x", webhookUrl }), "webhookUrl");
  const { details } = await fails(400, client.senders.create({ name: "x", webhookUrl: "https://example.com/", webhookEvents: ["message.eaten"] }), "invalid_request");
  assert.ok(details.fields.webhookEvents && details.allowed.includes("message.inbound") && details.allowed.includes("invitation.status_changed"));
  await field(client.senders.list({ limit: 101 }).then((page) => page.items), "limit");
  await fails(400, client.senders.update(id, { webhookActive: true }), "webhook_not_configured");
  await fails(400, client.senders.update(id, { webhookEvents: ["message.inbound"] }), "webhook_not_configured");
  await fails(400, client.senders.regenerateWebhookSecret(id), "webhook_not_configured");
  await fails(404, client.senders.retrieve("snd_nobody"), "not_found");
  await fails(404, (await newProject()).client.senders.retrieve(id), "not_found");
});

check("signature versions change step by step", async () => {
  const { id, webhook } = await client.senders.create({ name: "x", webhookUrl: "https://example.com/", webhookSignatureVersion: "v1" });
  assert.equal(webhook.signatureVersion, "v1");
  await fails(400, client.senders.update(id, { webhookSignatureVersion: "v2" }), "invalid_request");
  for (const webhookSignatureVersion of ["v1+v2", "v2"])
    assert.equal((await client.senders.update(id, { webhookSignatureVersion })).webhook.signatureVersion, webhookSignatureVersion);
  await fails(400, client.senders.update(id, { webhookSignatureVersion: "v1" }), "invalid_request");
});

check("what people write arrives, signed over the body as it is parsed and written again", async () => {
  const path = "/zavu/inbound";
  const { sender, writes } = await newSender({ webhookUrl: RECEIVER_URL + path });
  const text = "</script> 🦊 \u2028 \"1.0\"";
  await writes(text);
  const got = await arrived(path, 2);
  assert.deepEqual(got.map((r) => JSON.parse(r.body).type).sort(), ["conversation.new", "message.inbound"]);
  for (const { headers, body } of got) {
    const event = JSON.parse(body);
    assert.equal(headers["user-agent"], "Zavu-Webhook/1.0");
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["x-zavu-event"], event.type);
    assert.equal(JSON.stringify(event), body);
    const { t, v1, v2 } = Object.fromEntries(headers["x-zavu-signature"].split(",").map((part) => part.split("=")));
    assert.ok(Math.abs(Date.now() / 1000 - t) < 60);
    const want = createHmac("sha256", sender.webhook.secret).update(`${t}.${JSON.stringify(event)}`).digest("hex");
    assert.deepEqual([v1, v2], [want, want]);
    assert.match(event.id, new RegExp(`^evt_${event.timestamp}_`));
    assert.deepEqual(Object.keys(event), ["id", "type", "timestamp", "senderId", "projectId", "data"]);
    assert.equal(event.senderId, sender.id);
    assert.equal(event.projectId, (await client.me.retrieve()).project.id);
  }
  assert.equal(JSON.parse(of(got, "message.inbound")[0].body).data.text, text);
});

check("an event is tried until the schedule ends, each time signed anew with the secret of the moment", async () => {
  const path = "/status/500/zavu/retries";
  const { sender, writes } = await newSender({ webhookUrl: RECEIVER_URL + path, webhookEvents: ["message.inbound"], webhookSignatureVersion: "v2" });
  await writes("Hi");
  await arrived(path, 1);
  const { secret } = await client.senders.regenerateWebhookSecret(sender.id);
  const got = await arrived(path, 3);
  assert.equal(new Set(got.map((r) => JSON.parse(r.body).id)).size, 1);
  const { t, v2 } = Object.fromEntries(got[2].headers["x-zavu-signature"].split(",").map((part) => part.split("=")));
  assert.equal(v2, createHmac("sha256", secret).update(`${t}.${got[2].body}`).digest("hex"));
});

check("an inactive webhook is told nothing, and not later either", async () => {
  const path = "/zavu/inactive";
  const { sender, writes } = await newSender({ webhookUrl: RECEIVER_URL + path, webhookEvents: ["message.inbound"] });
  const texts = async () => (await arrived(path, 0)).map((r) => JSON.parse(r.body).data.text);
  await writes("before");
  await arrived(path, 1);
  await client.senders.update(sender.id, { webhookActive: false });
  await writes("meanwhile");
  await client.senders.update(sender.id, { webhookActive: true });
  await writes("after");
  await until("the event after arrives", async () => (await texts()).includes("after"));
  assert.deepEqual(await texts(), ["before", "after"]);
});
