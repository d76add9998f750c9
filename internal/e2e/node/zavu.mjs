// Drives a server through the official Zavu client. See checks.mjs and zavu/harness.mjs for what it needs.
import { runAll } from "./checks.mjs";
import "./zavu/me.mjs";
import "./zavu/errors.mjs";

await runAll();
