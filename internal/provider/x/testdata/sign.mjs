// Another implementation of X's signatures: reads lines of {secret, message, signature}, the first two in base64, and writes for each the
// signature as it should be, and whether the given one is that.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, message, signature } = JSON.parse(line);
  const made = "sha256=" + createHmac("sha256", Buffer.from(secret, "base64")).update(Buffer.from(message, "base64")).digest("base64");
  const a = Buffer.from(made);
  const b = Buffer.from(signature);
  console.log(JSON.stringify({ made, valid: a.length === b.length && timingSafeEqual(a, b) }));
}
