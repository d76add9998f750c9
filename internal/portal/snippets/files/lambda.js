// AWS Lambda behind a function URL or an HTTP API.
import { createHmac, timingSafeEqual } from "node:crypto";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");

function verify(headers, body) {
  const id = headers["webhook-id"], time = headers["webhook-timestamp"], signatures = headers["webhook-signature"];
  if (!id || !signatures || !/^\d+$/.test(time) || Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  const expected = createHmac("sha256", key).update(`${id}.${time}.`).update(body).digest();
  return signatures.split(" ").some((s) => {
    const given = Buffer.from(s.replace(/^v1,/, ""), "base64");
    return s.startsWith("v1,") && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

export async function handler(request) {
  const body = Buffer.from(request.body ?? "", request.isBase64Encoded ? "base64" : "utf8");
  if (!verify(request.headers, body)) return { statusCode: 400 };
  const event = JSON.parse(body);
  console.log(request.headers["webhook-id"], event.type); // put it into a queue, and answer at once
  return { statusCode: 204 };
}
