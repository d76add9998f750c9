import { arrived, assert, attempted, finished, ids, newApp, newTypes, RECEIVER_URL, run, suite, svix, until, v1, walk } from "./harness.mjs";

const check = suite("recovery");
const path = `/recovery/${run}`;
const began = new Date(Date.now() - 1000);
let app, endpoint, message, paid, sent;

// taken waits until the receiver has had a request for each message at a path.
const taken = async (at, ...messages) => {
  const open = new Set(ids(messages));
  await until(`${[...open]} at ${at}`, async () => {
    for (const { headers } of await arrived(at, 0)) open.delete(headers["svix-id"]);
    return open.size === 0;
  });
};

check("a message exhausts its schedule", async () => {
  app = await newApp();
  [paid, sent] = await newTypes("recover.paid", "recover.sent");
  endpoint = await svix.endpoint.create(app.id, { url: `${RECEIVER_URL}/status/500${path}` });
  message = await svix.message.create(app.id, { eventType: paid, payload: { n: 1 } });
  await until("the message has failed", async () => {
    const { data } = await svix.messageAttempt.listAttemptedDestinations(app.id, message.id);
    return data[0]?.statusText === "fail";
  });
  const attempts = await attempted(app, message, 4);
  assert.equal(attempts.length, 4);
  assert.ok(attempts.every((a) => a.responseStatusCode === 500 && a.statusText === "fail"));
});

check("recover", async () => {
  await svix.endpoint.patch(app.id, endpoint.id, { url: `${RECEIVER_URL}${path}` });
  const task = await svix.endpoint.recover(app.id, endpoint.id, { since: began });
  assert.match(task.id, /^qtask_/);
  assert.equal(task.task, "endpoint.recover");
  await taken(path, message);
  const done = await finished(task);
  assert.ok(done.updatedAt instanceof Date && typeof done.data === "object");
  assert.equal((await svix.messageAttempt.listAttemptedDestinations(app.id, message.id)).data[0].statusText, "success");
});

check("replay what was missed while disabled", async () => {
  await svix.endpoint.patch(app.id, endpoint.id, { disabled: true });
  const missed = [];
  for (let i = 0; i < 3; i++) missed.push(await svix.message.create(app.id, { eventType: paid, payload: { i } }));
  await svix.endpoint.patch(app.id, endpoint.id, { disabled: false });
  const task = await svix.endpoint.replayMissing(app.id, endpoint.id, { since: began });
  assert.equal(task.task, "endpoint.replay");
  await taken(path, ...missed);
  await finished(task);
});

check("replay in bulk what a filter names", async () => {
  const wanted = await svix.message.create(app.id, { eventType: sent, payload: {} });
  await taken(path, wanted);
  await attempted(app, wanted);
  await svix.endpoint.patch(app.id, endpoint.id, { url: `${RECEIVER_URL}${path}/bulk` });
  const task = await svix.endpoint.bulkReplay(app.id, endpoint.id, { since: began, eventTypes: [sent] });
  assert.equal(task.task, "endpoint.bulk-replay");
  await taken(`${path}/bulk`, wanted);
  await finished(task);
  const seen = (await arrived(`${path}/bulk`)).map((r) => r.headers["svix-id"]);
  assert.deepEqual(seen, [wanted.id]);
});

check("list background tasks in both directions, by kind and status", async () => {
  const tasks = await walk((page) => svix.backgroundTask.list({ ...page, order: "ascending" }));
  assert.ok(tasks.length >= 3);
  assert.deepEqual(ids(tasks), ids(tasks).toSorted());
  const { data } = await svix.backgroundTask.list({ task: "endpoint.bulk-replay", status: "finished" });
  assert.ok(data.length > 0 && data.every((t) => t.task === "endpoint.bulk-replay" && t.status === "finished"));
  if (v1) assert.ok((await svix.backgroundTask.listByEndpoint({ limit: 1 })).data.length === 1);
});
