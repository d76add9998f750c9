// Serves what has a function for requests of the Fetch API, or an event of AWS Lambda: node fetch.mjs KIND FILE
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [kind, file] = process.argv.slice(2);
const snippet = await import(pathToFileURL(file));
createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  let answer;
  if (kind === "lambda") {
    answer = await snippet.handler({ headers: req.headers, body: body.toString("base64"), isBase64Encoded: true });
    res.writeHead(answer.statusCode).end();
    return;
  }
  const request = new Request("http://127.0.0.1/webhooks", { method: "POST", headers: req.headers, body });
  if (kind === "worker") answer = await snippet.default.fetch(request, process.env, { waitUntil: () => {} });
  else answer = await snippet.POST(request);
  res.writeHead(answer.status).end();
}).listen(process.env.PORT, "127.0.0.1");
