import { as, assert, fails, newKey, newProject, operator, SERVER_URL, suite } from "./harness.mjs";

const check = suite("me and keys");
const project = await newProject();

check("me.retrieve tells the project and the key", async () => {
  const me = await project.client.me.retrieve();
  assert.equal(me.apiKey.id, project.live.id);
  assert.equal(me.isTestMode, false);
  assert.match(me.project.id, /^prj_/);
  assert.equal(me.project.name, project.name);
  assert.equal(me.project.isSubAccount, false);
  assert.ok(me.team.id && me.team.name);
});

check("a test key says so", async () => {
  const me = await project.testClient.me.retrieve();
  assert.equal(me.isTestMode, true);
  assert.equal(me.apiKey.id, project.test.id);
});

check("every answer tells what is left of the rate limit", async () => {
  const { response } = await project.client.me.retrieve().withResponse();
  assert.equal(response.headers.get("x-ratelimit-limit"), "600");
  assert.ok(Number(response.headers.get("x-ratelimit-remaining")) < 600);
  const left = Number(response.headers.get("x-ratelimit-reset")) - Date.now();
  assert.ok(left > -1000 && left <= 61_000, `the window ends in ${left} ms`);
});

check("a rotated key has two texts for a while", async () => {
  const key = await newKey(project.id, { name: "rotated" });
  const next = await operator("POST", `/apps/${project.id}/keys/${key.id}/rotate`, { overlapMs: 3_600_000 });
  for (const text of [key.key, next.key]) assert.equal((await as(text).me.retrieve()).apiKey.id, key.id);
  const last = await operator("POST", `/apps/${project.id}/keys/${key.id}/rotate`, { overlapMs: 0 });
  assert.equal((await as(last.key).me.retrieve()).apiKey.id, key.id);
  for (const text of [key.key, next.key]) await fails(401, as(text).me.retrieve(), "unauthorized");
});

check("a revoked key opens nothing any more", async () => {
  const key = await newKey(project.id);
  const client = as(key.key);
  await client.me.retrieve();
  await operator("DELETE", `/apps/${project.id}/keys/${key.id}`);
  await fails(401, client.me.retrieve(), "unauthorized");
});

check("the environment names the server and the key", async () => {
  process.env.ZAVUDEV_API_KEY = project.live.key;
  process.env.ZAVUDEV_BASE_URL = SERVER_URL;
  try {
    const { default: Zavudev } = await import("@zavudev/sdk");
    assert.equal((await new Zavudev().me.retrieve()).apiKey.id, project.live.id);
  } finally {
    delete process.env.ZAVUDEV_API_KEY;
    delete process.env.ZAVUDEV_BASE_URL;
  }
});
