// Runs the hooks of svix-react in a browser, on a page of another origin than the server's, with the token of one application. /config on the page's own
// origin tells what to look at; what came of it goes to /result, in the form that the suites of the other clients print.
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import * as hooks from "svix-react";
import { Webhooks } from "./webhooks.jsx";

const config = await (await fetch("/config")).json();
const options = { serverUrl: config.serverUrl };
const checks = [];
const check = (title, fn) => checks.push({ title, fn });
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function same(got, want, what = "") {
  const [g, w] = [JSON.stringify(got), JSON.stringify(want)];
  if (g !== w) throw new Error(`${what}: got ${g}, want ${w}`);
}

async function until(what, ask) {
  for (const end = Date.now() + 15_000; ; await sleep(10)) {
    const got = ask();
    if (got) return got;
    if (Date.now() > end) throw new Error(`after 15 s: ${what}`);
  }
}

// mount renders a component that uses one hook, and returns what the hook last gave, as now().
function mount(hook) {
  let last;
  const Probe = () => {
    last = hook();
    return null;
  };
  const root = createRoot(document.createElement("div"));
  root.render(createElement(hooks.SvixProvider, { token: config.token, appId: config.appId, options }, createElement(Probe)));
  return { now: () => last, unmount: () => root.unmount() };
}

// loaded is a hook whose data has come.
async function loaded(hook) {
  const probe = mount(hook);
  await until("the hook has loaded", () => probe.now() && !probe.now().loading && (probe.now().data || probe.now().error));
  const { error } = probe.now();
  if (error) throw new Error(`${error.message} ${JSON.stringify(error.body)}`);
  return probe;
}

// idle is a hook that only gives functions.
async function idle(hook) {
  const probe = mount(hook);
  await until("the hook is there", () => probe.now());
  return probe;
}

const refused = async (status, call) => {
  const error = await call.then(() => undefined, (e) => e);
  same(error?.code, status, JSON.stringify(error?.body));
  return error.body;
};

// pages goes through a list by the hook's own functions, to its end and back.
async function pages(hook, count) {
  const probe = await loaded(hook);
  const shown = () => probe.now().data.map((row) => row.id ?? row.name).join();
  const steps = [shown()];
  const turn = async (way) => {
    const before = shown();
    probe.now()[way]();
    await until("the page has turned", () => !probe.now().loading && shown() !== before);
  };
  while (probe.now().hasNextPage) {
    await turn("nextPage");
    steps.push(shown());
  }
  same(new Set(steps.join().split(",")).size >= count, true, `rows on ${steps.length} pages`);
  for (const want of steps.toReversed().slice(1)) {
    await turn("prevPage");
    same(shown(), want, "a page on the way back");
  }
  same(probe.now().hasPrevPage, false);
}

let made;

check("useEndpoints", () => pages(() => hooks.useEndpoints({ limit: 1 }), 2));
check("useEndpoint", async () => same((await loaded(() => hooks.useEndpoint(config.good))).now().data.id, config.good));
check("useEventTypes", async () => {
  const probe = await loaded(() => hooks.useEventTypes({ limit: 250 }));
  same(probe.now().data.some((t) => t.name === config.eventType && t.schemas !== undefined), true);
});
check("useMessages", () => pages(() => hooks.useMessages({ limit: 2, withContent: true }), 5));
check("useMessages, filtered", async () => {
  const after = new Date(Date.now() - 3_600_000);
  const filter = { limit: 50, eventTypes: [{ name: config.eventType }], channel: "eu", tag: "t", after };
  same((await loaded(() => hooks.useMessages(filter))).now().data.length, 5);
});
check("useMessage", async () => same((await loaded(() => hooks.useMessage(config.message))).now().data.payload, { n: 0 }));
check("useMessageEndpoints", async () => {
  const rows = (await loaded(() => hooks.useMessageEndpoints(config.message))).now().data;
  same(Object.fromEntries(rows.map((r) => [r.id, r.statusText])), Object.fromEntries([config.good, config.bad].sort().map((id) => [id, id === config.good ? "success" : "fail"])));
});
check("useMessageAttempts", () => pages(() => hooks.useMessageAttempts(config.message, { limit: 2 }), 5));
check("useEndpointMessageAttempts", async () => {
  const filter = { limit: 50, status: 2, statusCodeClass: 500, eventTypes: [], withMsg: true, withContent: true };
  const rows = (await loaded(() => hooks.useEndpointMessageAttempts(config.bad, filter))).now().data;
  same(rows.length, 20);
  same(rows[0].msg.id, rows[0].msgId);
});
check("useAttemptedMessages", () => pages(() => hooks.useAttemptedMessages(config.bad, { limit: 2, status: 2 }), 5));
check("useAttemptFunctions", async () => {
  const [attempt] = (await loaded(() => hooks.useMessageAttempts(config.message, { limit: 1 }))).now().data;
  await (await idle(() => hooks.useAttemptFunctions(attempt))).now().resendAttempt();
});
check("useEndpointStats", async () => {
  const { data } = (await loaded(() => hooks.useEndpointStats(config.bad))).now();
  same(data.fail >= 20 && data.canceled === 0, true, JSON.stringify(data));
});
check("useEndpointSecret", async () => {
  const probe = await loaded(() => hooks.useEndpointSecret(config.good));
  const before = probe.now().data.key;
  await probe.now().rotateSecret({});
  await until("the new secret", () => probe.now().data.key !== before);
});
check("useEndpointHeaders", async () => {
  const probe = await loaded(() => hooks.useEndpointHeaders(config.good));
  await probe.now().updateEndpointHeaders({ headers: { "X-One": "1" } });
  await until("the first header", () => probe.now().data.headers["X-One"] === "1");
  await probe.now().patchEndpointHeaders({ headers: { "X-Two": "2" }, deleteHeaders: ["X-One"] });
  await until("the second header", () => JSON.stringify(probe.now().data.headers) === '{"X-Two":"2"}');
});
check("useNewEndpoint, nothing picked", async () => {
  const probe = await idle(hooks.useNewEndpoint);
  probe.now().url.setValue("https://receiver.example/new");
  await until("the URL", () => probe.now().url.value !== "");
  const { error } = await probe.now().createEndpoint(); // the form sends an empty list of types
  same(error?.code, 422);
  same(error.body.detail[0].loc, ["body", "filterTypes"]);
});
check("useNewEndpoint", async () => {
  const probe = await idle(hooks.useNewEndpoint);
  probe.now().url.setValue("https://receiver.example/new");
  probe.now().description.setValue("made in the browser");
  probe.now().eventTypes.setValue([config.eventType]);
  probe.now().rateLimitPerSecond.setValue(5);
  await until("the form", () => probe.now().rateLimitPerSecond.value === 5);
  const { endpoint, error } = await probe.now().createEndpoint();
  if (error) throw new Error(JSON.stringify(error.body ?? error.message));
  made = endpoint;
  same([made.description, made.filterTypes, made.rateLimit, made.version], ["made in the browser", [config.eventType], 5, 1]);
});
check("useEndpointFunctions", async () => {
  const functions = (await idle(() => hooks.useEndpointFunctions(made.id))).now();
  same((await functions.updateEndpoint({ url: "https://receiver.example/changed" })).url, "https://receiver.example/changed");
  await functions.recoverEndpointMessages({ since: new Date(Date.now() - 60_000) });
  await functions.deleteEndpoint();
  const gone = mount(() => hooks.useEndpoint(made.id));
  await until("the error", () => gone.now()?.error);
  same(gone.now().error.code, 404);
});
check("useSvix, and what is not the application's", async () => {
  const { svix, appId } = (await idle(hooks.useSvix)).now();
  same(appId, config.appId);
  same((await refused(404, svix.endpoint.list(config.otherApp))).code, "not_found");
  same((await refused(403, svix.application.list())).code, "insufficient access");
});

check("the sample of the documentation", async () => {
  const box = document.createElement("div");
  createRoot(box).render(createElement(Webhooks, { serverUrl: config.serverUrl, token: config.token, appId: config.appId }));
  const shown = await until("the endpoints", () => (box.querySelectorAll("li").length > 1 ? [...box.querySelectorAll("li")] : undefined));
  same(shown.some((li) => li.textContent === config.goodUrl), true, shown.map((li) => li.textContent).join());
});

const lines = [`checks ${checks.length}`];
for (const { title, fn } of checks) {
  try {
    await fn();
    lines.push(`ok ${title}`);
  } catch (e) {
    lines.push(`not ok ${title}`, String(e.stack ?? e).replace(/^/gm, "    "));
  }
}
await fetch("/result", { method: "POST", body: lines.join("\n") });
