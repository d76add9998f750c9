// Drives a server through the official Zavu client. See checks.mjs and zavu/harness.mjs for what it needs.
import { runAll } from "./checks.mjs";
import "./zavu/me.mjs";
import "./zavu/contacts.mjs";
import "./zavu/conversations.mjs";
import "./zavu/errors.mjs";
import "./zavu/events.mjs";
import "./zavu/invitations.mjs";
import "./zavu/messages.mjs";
import "./zavu/senders.mjs";
import "./zavu/templates.mjs";

await runAll();
