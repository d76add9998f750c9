import { as, assert, fails, newApp, newTypes, run, SERVER_URL, suite, svix, v1 } from "./harness.mjs";

const check = suite("authentication");
let app, other, endpoint, type;

check("portal access is for one application", async () => {
  app = await newApp();
  other = await newApp();
  [type] = await newTypes("portal.type");
  endpoint = await svix.endpoint.create(app.id, { url: "https://receiver.example/" });
  const { url, token } = await svix.authentication.appPortalAccess(app.id, {});
  assert.equal(typeof token, "string");
  assert.ok(new URL(url).hash.includes("key="), url);
  const portal = as(token);
  assert.equal((await portal.endpoint.list(app.id)).data[0].id, endpoint.id);
  assert.equal((await portal.application.get(app.id)).id, app.id);
  assert.match((await portal.endpoint.getSecret(app.id, endpoint.id)).key, /^whsec_/);
  await portal.endpoint.patch(app.id, endpoint.id, { description: "by its owner" });
  await fails(404, portal.endpoint.list(other.id), "not_found");
  await fails(403, portal.application.create({ name: "x" }), "insufficient access");
  await fails(403, portal.message.create(app.id, { eventType: type, payload: {} }), "insufficient access");
});

check("log out", async () => {
  const { token } = await svix.authentication.appPortalAccess(app.id);
  await as(token).authentication.logout();
  await fails(401, as(token).endpoint.list(app.id), "authentication_failed");
});

check("expire all, or one session", async () => {
  const [a, b] = [
    await svix.authentication.appPortalAccess(app.id, { sessionId: `a-${run}` }),
    await svix.authentication.appPortalAccess(app.id, { sessionId: `b-${run}`, expiry: 3600 }),
  ];
  await svix.authentication.expireAll(app.id, { sessionIds: [`a-${run}`] });
  await fails(401, as(a.token).endpoint.list(app.id));
  await as(b.token).endpoint.list(app.id);
  await svix.authentication.expireAll(app.id, {});
  await fails(401, as(b.token).endpoint.list(app.id), "authentication_failed");
  await fails(422, svix.authentication.appPortalAccess(app.id, { expiry: 1 }), ["body", "expiry"]);
});

check("read only, and single capabilities", async () => {
  const reader = as((await svix.authentication.appPortalAccess(app.id, { readOnly: true })).token);
  await reader.endpoint.list(app.id);
  await fails(403, reader.endpoint.create(app.id, { url: "https://receiver.example/2" }), "insufficient access");
  const viewer = as((await svix.authentication.appPortalAccess(app.id, { capabilities: ["ViewBase"] })).token);
  await viewer.endpoint.get(app.id, endpoint.id);
  await fails(403, viewer.endpoint.getSecret(app.id, endpoint.id), "insufficient access");
  await fails(403, viewer.endpoint.patch(app.id, endpoint.id, { description: "x" }), "insufficient access");
});

check("feature flags show event types", async () => {
  const name = `${run}.flagged.portal`;
  await svix.eventType.create({ name, description: name, featureFlags: ["cool"] });
  const sees = async (access) => {
    const portal = as((await svix.authentication.appPortalAccess(app.id, access)).token);
    return (await portal.eventType.list({ limit: 250 })).data.some((t) => t.name === name);
  };
  assert.equal(await sees({ featureFlags: ["cool"] }), true);
  assert.equal(await sees({ featureFlags: [] }), false);
});

check("portal access makes the application", async () => {
  const uid = `portal-${run}`;
  const { token } = await svix.authentication.appPortalAccess(uid, { application: { name: "From the portal", uid } });
  assert.equal((await as(token).application.get(uid)).name, "From the portal");
});

check("the one-time token of the link", async () => {
  const { url } = await svix.authentication.appPortalAccess(app.id, {});
  const key = new URLSearchParams(new URL(url).hash.slice(1)).get("key");
  const { appId, oneTimeToken } = JSON.parse(Buffer.from(key, "base64").toString());
  assert.equal(appId, app.id);
  const exchange = () =>
    fetch(`${SERVER_URL}/api/v1/auth/one-time-token`, { method: "POST", body: JSON.stringify({ oneTimeToken }), headers: { "content-type": "application/json" } });
  const first = await exchange();
  assert.equal(first.status, 200);
  const { token, capabilities } = await first.json();
  assert.ok(capabilities.includes("ViewBase"));
  await as(token).endpoint.list(app.id);
  const second = await exchange();
  assert.ok(second.status >= 400 && second.status < 500, `status ${second.status}`);
});

if (v1)
  check("dashboard access", async () => {
    const { url, token } = await svix.authentication.dashboardAccess(app.id);
    new URL(url);
    await as(token).endpoint.list(app.id);
  });

check("a wrong token", async () => {
  await fails(401, as("wrong").application.list(), "authentication_failed");
});
