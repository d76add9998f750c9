import { arrived, assert, fails, ids, isTime, newProject, operator, RECEIVER_URL, suite, walk } from "./harness.mjs";

const check = suite("templates");
const { client } = await newProject();
const draft = (name, more = {}) => client.templates.create({ name, language: "en", body: "Hi {{1}}, your order {{2}} is ready.", variables: ["name", "order"], ...more });

check("a template is made, got and deleted", async () => {
  const made = await draft("order_ready", { whatsappCategory: "MARKETING", footer: "Thank you", buttons: [{ type: "quick_reply", text: "OK" }] });
  assert.match(made.id, /^tpl_/);
  assert.equal(made.status, "draft");
  assert.equal(made.category, "MARKETING");
  assert.deepEqual(made.variables, ["name", "order"]);
  assert.equal(made.footer, "Thank you");
  assert.equal(made.buttons[0].text, "OK");
  isTime(made.createdAt);
  assert.equal((await client.templates.retrieve(made.id)).body, made.body);
  assert.equal((await draft("order_shipped")).category, "UTILITY");
  assert.equal(await client.templates.delete(made.id), null);
  await fails(404, client.templates.retrieve(made.id), "not_found");
  const { details } = await fails(400, client.templates.create({ name: "", language: "", body: "" }), "invalid_request");
  assert.deepEqual(Object.keys(details.fields).sort(), ["body", "language", "name"]);
});

check("templates are listed in the order in which they were made", async () => {
  const own = await newProject();
  const made = [];
  for (let i = 0; i < 5; i++) made.push(await own.client.templates.create({ name: `template_${i}`, language: "en", body: "Hello" }));
  assert.deepEqual(ids(await walk((q) => own.client.templates.list(q))), ids(made));
  await fails(400, own.client.templates.list({ limit: 101 }), "invalid_request");
});

check("a draft is submitted once, and the sender's webhook is told", async () => {
  const path = "/templates";
  const sender = await client.senders.create({ name: "Submits", phoneNumber: "+15551234571", webhookUrl: RECEIVER_URL + path, webhookEvents: ["template.status_changed"] });
  const made = await draft("order_submitted");
  await fails(404, client.templates.submit(made.id, { senderId: "snd_nothing" }), "not_found");
  const submitted = await client.templates.submit(made.id, { senderId: sender.id, category: "MARKETING" });
  assert.equal(submitted.status, "pending");
  assert.equal(submitted.category, "MARKETING");
  await fails(400, client.templates.submit(made.id, { senderId: sender.id }), "invalid_request");
  const [{ body }] = await arrived(path);
  const { type, senderId, data } = JSON.parse(body);
  assert.equal(type, "template.status_changed");
  assert.equal(senderId, sender.id);
  assert.equal(data.templateId, made.id);
  assert.equal(data.previousStatus, "draft");
  assert.equal(data.currentStatus, "pending");
});

check("sync says what it has done", async () => {
  const own = await newProject();
  const done = await own.client.templates.sync();
  for (const name of ["accountsSynced", "imported", "linked", "updated", "skipped"]) assert.equal(done[name], 0, name);
  assert.ok(Array.isArray(done.errors));
  await fails(404, own.client.templates.sync({ senderId: "snd_nothing" }), "not_found");
});

check("a template goes from draft to approved, and its sender's webhook is told", async () => {
  const own = await newProject();
  const path = "/approved";
  const sender = await own.client.senders.create({ name: "Shop", phoneNumber: "+15551234567", webhookUrl: RECEIVER_URL + path, webhookEvents: ["template.status_changed"] });
  const body = { name: "order_confirmation", language: "en", body: "Hi {{1}}, your order {{2}} has been confirmed.", variables: ["customer_name", "order_id"] };
  const made = await own.client.templates.create(body);
  assert.match(made.id, /^tpl_/);
  assert.equal(made.status, "draft");
  assert.equal(made.category, "UTILITY");
  assert.deepEqual(made.variables, body.variables);
  isTime(made.createdAt);
  assert.deepEqual(await own.client.templates.retrieve(made.id), made);
  await fails(404, own.client.templates.submit(made.id, { senderId: "snd_nothing" }), "not_found");
  const submitted = await own.client.templates.submit(made.id, { senderId: sender.id, category: "MARKETING" });
  assert.equal(submitted.status, "pending");
  assert.equal(submitted.category, "MARKETING");
  await fails(400, own.client.templates.submit(made.id, { senderId: sender.id }), "invalid_request");
  await operator("POST", `/templates/${made.id}/approve?app=${own.id}`);
  const told = (await arrived(path, 2)).map((r) => JSON.parse(r.body));
  const common = { templateId: made.id, templateName: body.name, name: body.name, language: "en", category: "MARKETING", rejectionReason: null };
  assert.deepEqual(told.map((e) => e.data).sort((a, b) => a.currentStatus.localeCompare(b.currentStatus)), [
    { ...common, previousStatus: "pending", currentStatus: "approved", status: "approved" },
    { ...common, previousStatus: "draft", currentStatus: "pending", status: "pending" },
  ]);
  for (const e of told) assert.equal(e.senderId, sender.id);
  const { message } = await own.testClient.messages.send({ to: "+14155551234", channel: "whatsapp", messageType: "template", content: { templateId: made.id, templateVariables: { 1: "Ada", 2: "42" } } });
  assert.equal(message.messageType, "template");
  await own.client.templates.delete(made.id);
  await fails(404, own.client.templates.retrieve(made.id), "not_found");
});
