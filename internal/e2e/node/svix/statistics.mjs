import { arrived, assert, attempted, fails, finished, newApp, newTypes, RECEIVER_URL, run, suite, svix } from "./harness.mjs";

const check = suite("statistics");

check("of applications, as a task", async () => {
  const app = await newApp();
  const [type] = await newTypes("statistics.type");
  await svix.endpoint.create(app.id, { url: `${RECEIVER_URL}/statistics/${run}` });
  const message = await svix.message.create(app.id, { eventType: type, payload: {} });
  await arrived(`/statistics/${run}`);
  await attempted(app, message);
  const window = { since: new Date(Date.now() - 3_600_000), until: new Date() };
  const task = await svix.statistics.aggregateAppStats({ ...window, appIds: [app.uid, `no-${run}`] });
  assert.equal(task.task, "application.stats");
  assert.deepEqual(task.unresolvedAppIds, [`no-${run}`]);
  const { data } = await finished(task);
  assert.ok(JSON.stringify(data).includes(app.id), JSON.stringify(data));
  await fails(422, svix.statistics.aggregateAppStats({ ...window, appIds: [`no-${run}`] }));
});

check("of event types, as a task", async () => {
  const task = await svix.statistics.aggregateEventTypes();
  assert.equal(task.task, "event-type.aggregate");
  assert.equal(typeof (await finished(task)).data, "object");
});
