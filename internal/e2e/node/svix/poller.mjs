import { as, assert, fails, ids, newApp, newTypes, suite, svix, until } from "./harness.mjs";

const check = suite("poller");
const began = new Date(Date.now() - 60_000);
let app, type, other, messages;

// collect polls until every wanted message has come, and returns what came, in its order, and the last page.
async function collect(poll, wanted, iterator) {
  const got = [];
  let page;
  await until(`${wanted.length} messages at the poller, there are ${got.length}`, async () => {
    page = await poll({ iterator, limit: 2 });
    assert.equal(typeof page.iterator, "string");
    assert.equal(typeof page.done, "boolean");
    iterator = page.iterator;
    got.push(...page.data);
    return got.length >= wanted.length;
  });
  assert.deepEqual(ids(got), ids(wanted));
  return { got, page };
}

check("the first poll is empty and says where to go on", async () => {
  app = await newApp();
  [type, other] = await newTypes("poller.type", "poller.other");
  const first = await svix.message.poller.poll(app.id, "sink");
  assert.deepEqual(first.data, []);
  assert.equal(typeof first.iterator, "string");
  messages = [];
  for (let i = 0; i < 5; i++) messages.push(await svix.message.create(app.id, { eventType: type, payload: { i }, channels: ["eu"] }));
  const { got } = await collect((o) => svix.message.poller.poll(app.id, "sink", o), messages, first.iterator);
  assert.deepEqual(got.map((m) => m.payload.i), [0, 1, 2, 3, 4], "oldest first, with their payloads");
  assert.ok(got[0].timestamp instanceof Date);
});

check("from a time on, by event type and channel", async () => {
  const since = (o) => svix.message.poller.poll(app.id, "sink", { after: o.iterator ? undefined : began, ...o });
  await collect(since, messages);
  await collect((o) => since({ ...o, eventType: type, channel: "eu" }), messages);
  let page = await since({ eventType: other });
  for (; !page.done; page = await since({ eventType: other, iterator: page.iterator })) assert.deepEqual(page.data, []);
  assert.deepEqual(page.data, []);
});

check("a consumer's place is kept by the server", async () => {
  const consume = (o) => svix.message.poller.consumerPoll(app.id, "sink", "worker", o);
  const { iterator } = await svix.message.poller.consumerSeek(app.id, "sink", "worker", { after: began });
  assert.equal(typeof iterator, "string");
  const { page } = await collect(consume, messages);
  assert.deepEqual((await consume({ iterator: page.iterator })).data, []);
  await svix.message.poller.consumerSeek(app.id, "sink", "worker", { after: began });
  await collect(consume, messages);
});

check("a wrong iterator, and a stranger's application", async () => {
  await fails(422, svix.message.poller.poll(app.id, "sink", { iterator: "no such place" }));
  const stranger = await newApp();
  const portal = as((await svix.authentication.appPortalAccess(stranger.id, {})).token);
  await fails(404, portal.message.poller.poll(app.id, "sink"), "not_found");
});
