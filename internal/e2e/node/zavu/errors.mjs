import { as, assert, fails, newProject, SERVER_URL, suite } from "./harness.mjs";

const check = suite("errors");
const project = await newProject();

check("a key that does not count", async () => {
  for (const key of ["zv_live_nothing", `${project.live.key}x`, project.live.key.toLowerCase(), "operator"]) await fails(401, as(key).me.retrieve(), "unauthorized");
});

check("what is not offered is not found", async () => {
  const { client } = project;
  const cursor = (list) => (async () => (await list).items)();
  for (const call of [
    () => client.balance.retrieve(),
    () => cursor(client.broadcasts.list()),
    () => client.broadcasts.retrieve("brd_1"),
    () => cursor(client.calls.list()),
    () => cursor(client.phoneNumbers.list()),
    () => cursor(client.number10dlc.brands.list()),
    () => client.urls.submitForVerification({ url: "https://example.com" }),
    () => cursor(client.subAccounts.list()),
    () => cursor(client.agents.list()),
    () => client.senders.agent.retrieve("snd_1"),
    () => cursor(client.functions.listDeployments("fn_1")),
    () => cursor(client.emailDomains.list()),
    () => client.introspect.validatePhone({ phoneNumber: "+14155551234" }),
    () => cursor(client.addresses.list()),
    () => cursor(client.regulatoryDocuments.list()),
  ])
    await fails(404, call(), "not_found");
});

check("a route that does not exist, and a method that a route does not have", async () => {
  await fails(404, project.client.get("/v1/unknown"), "not_found");
  await fails(404, project.client.post("/v1/me/x", { body: {} }), "not_found");
  await fails(405, project.client.post("/v1/me", { body: {} }), "method_not_allowed");
  const { headers } = await fetch(`${SERVER_URL}/v1/me`, { method: "DELETE", headers: { Authorization: `Bearer ${project.live.key}` } });
  assert.match(headers.get("allow"), /GET/);
});

check("beyond the rate limit the client is told when to come back", async () => {
  const busy = await newProject();
  const client = as(busy.live.key, { maxRetries: 0 });
  let last;
  for (let n = 0; n < 1300 && !last; n += 20) await Promise.all(Array.from({ length: 20 }, () => client.me.retrieve().catch((e) => (last = e))));
  assert.ok(last, "1300 requests, and all are answered");
  await fails(429, Promise.reject(last), "rate_limited");
  const wait = Number(last.headers.get("retry-after"));
  assert.ok(Number.isInteger(wait) && wait >= 1 && wait <= 60, `Retry-After is ${wait}`);
  assert.equal(last.headers.get("x-ratelimit-remaining"), "0");
});
