// Answers of the Travtus-shaped API, as their receivers see them: verified by the official library.
import { arrived, assert, newApp, RECEIVER_URL, run, SERVER_URL, suite, svix, until, Webhook } from "./harness.mjs";

const check = suite("travtus");
const path = `/travtus/${run}`;
const operator = { Authorization: `Bearer ${process.env.SERVER_TOKEN}`, "Content-Type": "application/json" };
let app, endpoint, token, requestId;

const call = async (url, options) => {
  const answer = await fetch(SERVER_URL + url, options);
  const body = await answer.json();
  assert.ok(answer.ok, `${answer.status} ${JSON.stringify(body)}`);
  return body;
};

check("a token for a client", async () => {
  app = await newApp();
  await call(`/operator/v1/apps/${app.id}`, { method: "PATCH", headers: operator, body: JSON.stringify({ botName: "Iris", botRef: "bot-7", companyId: "c-1" }) });
  await call(`/operator/v1/apps/${app.id}/responder`, { method: "PUT", headers: operator, body: JSON.stringify({ kind: "echo" }) });
  const client = await call(`/operator/v1/apps/${app.id}/clients`, { method: "POST", headers: operator, body: "{}" });
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: client.clientId, client_secret: client.clientSecret });
  const got = await call("/oauth2/token", { method: "POST", body: form });
  assert.deepEqual([got.token_type, got.expires_in], ["Bearer", 3600]);
  token = got.access_token;
});

check("an answer arrives and verifies", async () => {
  endpoint = await svix.endpoint.create(app.id, { url: RECEIVER_URL + path });
  const { key: secret } = await svix.endpoint.getSecret(app.id, endpoint.id);
  const posted = await call("/messages/", {
    method: "POST",
    headers: { Authorization: `bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      channel: "web_chat",
      group_external_ref: "property_oak_towers",
      web_chat: { message_id: "m-1", text: "Grüße, 東京 \u2028 <b>", created_datetime: "2024-03-15T11:30:00Z", conversation_id: "conv_abc123" },
    }),
  });
  requestId = posted.request_id;
  const [got] = await arrived(path);
  new Webhook(secret).verify(got.body, got.headers);
  const payload = JSON.parse(got.body);
  assert.deepEqual(Object.keys(payload), ["event_type", "message_id", "body"]);
  assert.deepEqual([payload.event_type, payload.message_id, payload.body.channel], ["web_chat.respond", requestId, "website"]);
  assert.equal(payload.body.sender_name, "Iris");
  assert.equal(payload.body.portfolio_external_ref, "property_oak_towers");
  assert.match(got.headers["svix-id"], /^msg_/);
});

check("the event is found by the request's id, and resent", async () => {
  const message = await svix.message.get(app.id, requestId);
  assert.equal(message.eventId, requestId);
  assert.equal(message.eventType, "web_chat.respond");
  await until("the first attempt", async () => (await svix.messageAttempt.listByMsg(app.id, message.id)).data.length > 0);
  await svix.messageAttempt.resend(app.id, message.id, endpoint.id);
  const [first, second] = await arrived(path, 2);
  assert.equal(second.body, first.body);
  assert.equal(second.headers["svix-id"], first.headers["svix-id"]);
});

check("the published vector", async () => {
  const hook = new Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  assert.equal(
    hook.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", new Date(1614265330 * 1000), '{"test": 2432232314}'),
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  );
  const headers = {
    "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "svix-timestamp": "1614265330",
    "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const { now } = Date;
  try {
    Date.now = () => 1614265330_000; // when it was signed; nothing else runs meanwhile
    hook.verify('{"test": 2432232314}', headers);
    assert.throws(() => hook.verify('{"test": 2432232315}', headers));
  } finally {
    Date.now = now;
  }
});
