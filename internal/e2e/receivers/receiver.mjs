// A webhook handler as users of Express write it: the body is parsed before the handler sees it, and the signature is checked over that. GUIDE says from which of the published guides.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const { WEBHOOK_SECRET, GUIDE, PORT } = process.env;
const tolerance = 300;

function verify(header, body) {
  const parts = Object.fromEntries(header.split(",").map((part) => part.split("=")));
  if (Math.abs(Date.now() / 1000 - Number(parts.t)) > tolerance) return false;
  const text = JSON.stringify(body);
  const [signature, signed] = {
    older: [parts.v1, `${parts.t}.${text}`],
    newer: parts.v2 ? [parts.v2, `${parts.t}.${text}`] : [parts.v1, text],
  }[GUIDE];
  const expected = createHmac("sha256", WEBHOOK_SECRET).update(signed).digest("hex");
  return signature?.length === expected.length && timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}

createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  if (!verify(req.headers["x-zavu-signature"] ?? "", body)) {
    res.writeHead(401).end("Invalid signature");
    return;
  }
  res.writeHead(200).end("OK");
  setImmediate(() => console.log(`accepted ${body.type} ${body.id}`));
}).listen(Number(PORT), "127.0.0.1");
