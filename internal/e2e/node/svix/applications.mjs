import { assert, fails, ids, newApp, rateField, replace, run, suite, svix, walk } from "./harness.mjs";

const check = suite("applications");
let app;

check("create", async () => {
  app = await svix.application.create({ name: "Acme", uid: `acme-${run}`, metadata: { plan: "gold" }, [rateField]: 7 });
  assert.match(app.id, /^app_[0-9A-Za-z]{27}$/);
  assert.equal(app.name, "Acme");
  assert.equal(app[rateField], 7);
  assert.deepEqual(app.metadata, { plan: "gold" });
  assert.ok(app.createdAt instanceof Date && !Number.isNaN(app.createdAt.getTime()));
});

check("get by id and by uid", async () => {
  assert.deepEqual(await svix.application.get(app.id), app);
  assert.deepEqual(await svix.application.get(app.uid), app);
});

check("get or create", async () => {
  assert.equal((await svix.application.getOrCreate({ name: "Other", uid: app.uid })).id, app.id);
  const other = await svix.application.getOrCreate({ name: "Other", uid: `other-${run}` });
  assert.notEqual(other.id, app.id);
});

check("list in both directions and orders", async () => {
  const made = [];
  for (let i = 0; i < 5; i++) made.push((await newApp()).id);
  const mine = (row) => made.includes(row.id);
  assert.deepEqual(ids(await walk((page) => svix.application.list(page), { mine, limit: 3 })), made);
  const newest = await svix.application.list({ limit: 250, order: "descending" });
  assert.deepEqual(ids(newest.data.filter(mine)), [...made].reverse());
});

check("list only those that have endpoints", async () => {
  const without = await newApp();
  const having = await newApp();
  await svix.endpoint.create(having.id, { url: "https://receiver.example/" });
  const seen = ids((await svix.application.list({ limit: 250, order: "descending", excludeAppsWithNoEndpoints: true })).data);
  assert.ok(seen.includes(having.id) && !seen.includes(without.id));
});

check("list only those that have enabled endpoints", async () => {
  const disabled = await newApp();
  await svix.endpoint.create(disabled.id, { url: "https://receiver.example/", disabled: true });
  const seen = ids((await svix.application.list({ limit: 250, order: "descending", excludeAppsWithDisabledEndpoints: true })).data);
  assert.ok(!seen.includes(disabled.id));
});

check("patch keeps what is absent", async () => {
  const patched = await svix.application.patch(app.id, { name: "Acme 2" });
  assert.equal(patched.name, "Acme 2");
  assert.equal(patched.uid, app.uid);
  assert.deepEqual(patched.metadata, { plan: "gold" });
});

check("replace clears what is absent", async () => {
  const replaced = await svix.application[replace](app.uid, { name: "Acme 3", uid: app.uid });
  assert.equal(replaced.id, app.id);
  assert.deepEqual(replaced.metadata, {});
  assert.equal(replaced[rateField] ?? null, null);
});

check("replace creates what is not there", async () => {
  const uid = `put-${run}`;
  assert.equal((await svix.application[replace](uid, { name: "Put", uid })).uid, uid);
  assert.equal((await svix.application.get(uid)).name, "Put");
});

check("a uid is taken once", async () => {
  await fails(409, svix.application.create({ name: "Twice", uid: app.uid }), "conflict");
});

check("delete frees the uid", async () => {
  await svix.application.delete(app.id);
  await fails(404, svix.application.get(app.id), "not_found");
  const again = await svix.application.create({ name: "Again", uid: app.uid });
  assert.notEqual(again.id, app.id);
});
