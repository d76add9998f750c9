import express from "express";
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

const app = express();

// express.raw keeps the bytes as they arrived. express.json before this route would lose them.
app.post("/webhooks", express.raw({ type: "*/*", limit: "5mb" }), (req, res) => {
  if (!verify(req.headers, req.body)) return res.sendStatus(400);
  res.sendStatus(204); // answer first, work afterwards
  const event = JSON.parse(req.body);
  console.log(req.headers["webhook-id"], event.type);
});

app.listen(process.env.PORT);
