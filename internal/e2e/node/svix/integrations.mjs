import { as, assert, fails, ids, newApp, suite, svix, walk } from "./harness.mjs";

const check = suite("integrations");
let app, other, integration, key;

check("create, get and list in both directions", async () => {
  app = await newApp();
  other = await newApp();
  integration = await svix.integration.create(app.id, { name: "Partner", featureFlags: ["beta"] });
  assert.match(integration.id, /^integ_/);
  assert.deepEqual(await svix.integration.get(app.id, integration.id), integration);
  assert.deepEqual(integration.featureFlags, ["beta"]);
  const made = [integration.id];
  for (let i = 0; i < 4; i++) made.push((await svix.integration.create(app.id, { name: `Other ${i}` })).id);
  assert.deepEqual(ids(await walk((page) => svix.integration.list(app.id, { ...page, order: "ascending" }))), made);
});

check("replace", async () => {
  const replaced = await svix.integration.update(app.id, integration.id, { name: "Renamed", featureFlags: [] });
  assert.equal(replaced.name, "Renamed");
  assert.deepEqual(replaced.featureFlags ?? [], []);
});

check("its key acts inside the one application", async () => {
  ({ key } = await svix.integration.rotateKey(app.id, integration.id));
  const partner = as(key);
  const made = await partner.endpoint.create(app.id, { url: "https://receiver.example/partner" });
  assert.equal((await partner.endpoint.get(app.id, made.id)).id, made.id);
  await fails(404, partner.endpoint.list(other.id), "not_found");
  await fails(403, partner.application.create({ name: "x" }), "insufficient access");
});

check("rotating ends the old key", async () => {
  const fresh = await svix.integration.rotateKey(app.id, integration.id);
  assert.notEqual(fresh.key, key);
  await fails(401, as(key).endpoint.list(app.id), "authentication_failed");
  await as(fresh.key).endpoint.list(app.id);
  key = fresh.key;
});

check("delete ends the key", async () => {
  await svix.integration.delete(app.id, integration.id);
  await fails(404, svix.integration.get(app.id, integration.id), "not_found");
  await fails(401, as(key).endpoint.list(app.id), "authentication_failed");
});
