// Drives a server through the official Svix client. See svix/harness.mjs for what it needs.
import { runAll } from "./svix/harness.mjs";
import "./svix/applications.mjs";
import "./svix/attempts.mjs";
import "./svix/authentication.mjs";
import "./svix/endpoints.mjs";
import "./svix/environment.mjs";
import "./svix/event_types.mjs";
import "./svix/health.mjs";
import "./svix/integrations.mjs";
import "./svix/messages.mjs";
import "./svix/operational.mjs";
import "./svix/poller.mjs";
import "./svix/recovery.mjs";
import "./svix/statistics.mjs";
import "./svix/travtus.mjs";

await runAll();
