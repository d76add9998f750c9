import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");

// verify reports whether the request was signed with the secret, not more than five minutes ago. body is a Buffer.
export function verify(headers, body) {
  const id = headers["webhook-id"], time = headers["webhook-timestamp"], signatures = headers["webhook-signature"];
  if (!id || !signatures || !/^\d+$/.test(time) || Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  const expected = createHmac("sha256", key).update(`${id}.${time}.`).update(body).digest();
  return signatures.split(" ").some((s) => {
    const given = Buffer.from(s.replace(/^v1,/, ""), "base64");
    return s.startsWith("v1,") && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (!verify(req.headers, body)) {
    res.writeHead(400).end();
    return;
  }
  res.writeHead(204).end(); // answer first, work afterwards
  const event = JSON.parse(body);
  console.log(req.headers["webhook-id"], event.type);
}).listen(process.env.PORT);
