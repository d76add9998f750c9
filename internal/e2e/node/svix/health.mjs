import { as, assert, fails, SERVER_URL, suite, svix } from "./harness.mjs";

const check = suite("health and errors");

check("health needs no token", async () => {
  await svix.health.get();
  await as("wrong").health.get();
  assert.equal((await fetch(`${SERVER_URL}/api/v1/health/ping`)).status, 204);
});

check("errors come as the client's own type", async () => {
  await fails(404, svix.application.get("app_nothing"), "not_found");
  await fails(422, svix.application.create({ name: "" }), ["body", "name"]);
  await fails(422, svix.application.list({ limit: 1000 }), ["query", "limit"]);
  await fails(422, svix.application.list({ iterator: "no iterator" }), ["query", "iterator"]);
  await fails(401, as("").application.list(), "authentication_failed");
});

check("what is not offered says so", async () => {
  await fails(501, svix.streaming.stream.list(), "not_implemented");
  await fails(501, svix.connector.list(), "not_implemented");
  await fails(501, svix.ingest.source.list(), "not_implemented");
});
