import { assert, newTypes, run, suite, svix } from "./harness.mjs";

const check = suite("environment");

check("export", async () => {
  const [type] = await newTypes("environment.type");
  const out = await svix.environment.export();
  assert.ok(out.createdAt instanceof Date);
  assert.ok(out.eventTypes.some((t) => t.name === type));
  assert.ok(Array.isArray(out.connectors));
});

check("import", async () => {
  const name = `${run}.imported`;
  await svix.environment.import({ eventTypes: [{ name, description: "imported", featureFlags: ["beta"] }] });
  const got = await svix.eventType.get(name);
  assert.equal(got.description, "imported");
  assert.deepEqual(got.featureFlags, ["beta"]);
});
