import { createHmac, timingSafeEqual } from "node:crypto";
import { arrived, assert, newProject, RECEIVER_URL, suite } from "./harness.mjs";

const check = suite("events");

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
