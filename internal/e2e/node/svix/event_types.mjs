import { assert, fails, replace, run, suite, svix, v1, walk } from "./harness.mjs";

const check = suite("event types");
const name = `${run}.catalogue.one`;
const schemas = { 1: { type: "object", title: "One", properties: { n: { type: "integer" } }, required: ["n"] } };

check("create", async () => {
  const made = await svix.eventType.create({ name, description: "the first", schemas, groupName: "catalogue", featureFlags: ["beta"], deprecated: false });
  assert.equal(made.name, name);
  assert.equal(made.archived, false);
  assert.equal(made.deprecated, false);
  assert.equal(made.groupName, "catalogue");
  assert.deepEqual(made.featureFlags, ["beta"]);
  await fails(409, svix.eventType.create({ name, description: "again" }), "event_type_exists");
});

check("get shows the schema", async () => {
  const got = await svix.eventType.get(name);
  assert.deepEqual(got.schemas, schemas);
  assert.ok(got.updatedAt instanceof Date);
});

check("list in both directions, with and without content", async () => {
  const names = [name];
  for (const last of ["two", "three", "four"]) {
    names.push(`${run}.catalogue.${last}`);
    await svix.eventType.create({ name: names.at(-1), description: last });
  }
  const mine = (row) => names.includes(row.name);
  const key = (row) => row.name;
  assert.deepEqual((await walk((page) => svix.eventType.list(page), { mine, key, limit: 3 })).map(key), names.toSorted());
  const bare = await svix.eventType.list({ limit: 250 });
  assert.equal(bare.data.find((t) => t.name === name).schemas ?? null, null);
  const full = await svix.eventType.list({ limit: 250, withContent: true });
  assert.deepEqual(full.data.find((t) => t.name === name).schemas, schemas);
});

check("patch", async () => {
  const patched = await svix.eventType.patch(name, { description: "patched", deprecated: true });
  assert.equal(patched.description, "patched");
  assert.equal(patched.deprecated, true);
  assert.deepEqual(patched.featureFlags, ["beta"]);
});

check("replace clears, and creates what is not there", async () => {
  const replaced = await svix.eventType[replace](name, { description: "replaced" });
  assert.equal(replaced.description, "replaced");
  assert.equal(replaced.featureFlags ?? null, null);
  assert.equal(replaced.schemas ?? null, null);
  assert.equal((await svix.eventType[replace](`${run}.catalogue.put`, { description: "put" })).name, `${run}.catalogue.put`);
});

if (v1)
  check("one feature flag, the older spelling", async () => {
    const flagged = await svix.eventType.create({ name: `${run}.flagged`, description: "flagged", featureFlag: "alpha" });
    assert.equal(flagged.featureFlag, "alpha");
  });

check("a schema that is none is refused", async () => {
  await fails(422, svix.eventType.create({ name: `${run}.bad`, description: "bad", schemas: { 1: { type: "no such type" } } }));
  await fails(422, svix.eventType.create({ name: "not a name", description: "bad" }), ["body", "name"]);
});

check("delete archives, create revives, expunge removes", async () => {
  const own = `${run}.catalogue.two`;
  await svix.eventType.delete(own);
  const listed = async (options) => (await svix.eventType.list({ limit: 250, ...options })).data.some((t) => t.name === own);
  assert.equal(await listed({}), false);
  assert.equal(await listed({ includeArchived: true }), true);
  assert.equal((await svix.eventType.create({ name: own, description: "revived" })).archived, false);
  await svix.eventType.delete(own, { expunge: true });
  await fails(404, svix.eventType.get(own), "not_found");
});

const spec = {
  openapi: "3.1.0",
  info: { title: "Pets", version: "1.0.0" },
  webhooks: {
    [`${run}.pet.new`]: {
      post: {
        operationId: `${run}.pet.new`,
        description: "A pet has come",
        requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Pet" } } } },
        responses: { 200: { description: "taken" } },
      },
    },
  },
  components: { schemas: { Pet: { type: "object", properties: { name: { type: "string" } }, required: ["name"] } } },
};

check("import from a description", async () => {
  const own = `${run}.pet.new`;
  const dry = await svix.eventType.importOpenapi({ spec, dryRun: true });
  assert.ok(dry.data.toModify.some((t) => t.name === own));
  await fails(404, svix.eventType.get(own));
  const done = await svix.eventType.importOpenapi({ specRaw: JSON.stringify(spec) });
  assert.ok(done.data.modified.includes(own));
  const got = await svix.eventType.get(own);
  assert.equal(got.description, "A pet has come");
  assert.equal(Object.values(got.schemas)[0].type, "object");
});
