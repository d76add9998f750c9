// Cloudflare Workers, Deno and Bun: whatever has fetch and Web Crypto.
const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

async function verify(headers, body, secret) {
  const id = headers.get("webhook-id"), time = headers.get("webhook-timestamp"), signatures = headers.get("webhook-signature");
  if (!id || !signatures || !/^\d+$/.test(time) || Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  const key = await crypto.subtle.importKey("raw", decode(secret.replace(/^whsec_/, "")), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const head = new TextEncoder().encode(`${id}.${time}.`), signed = new Uint8Array(head.length + body.byteLength);
  signed.set(head);
  signed.set(new Uint8Array(body), head.length);
  for (const s of signatures.split(" ")) {
    if (!/^v1,[A-Za-z0-9+/]+=*$/.test(s)) continue;
    if (await crypto.subtle.verify("HMAC", key, decode(s.slice(3)), signed)) return true; // in constant time
  }
  return false;
}

export default {
  async fetch(request, env, ctx) {
    const body = await request.arrayBuffer();
    if (!(await verify(request.headers, body, env.WEBHOOK_SECRET))) return new Response(null, { status: 400 });
    const event = JSON.parse(new TextDecoder().decode(body));
    ctx.waitUntil(handle(request.headers.get("webhook-id"), event)); // goes on after the answer
    return new Response(null, { status: 204 });
  },
};

async function handle(id, event) {
  console.log(id, event.type);
}
