// What the snippet uses of Express, for where that is not installed.
import { createServer } from "node:http";

export default function express() {
  const routes = new Map();
  return {
    post: (path, ...handlers) => routes.set(path, handlers),
    listen: (port) => createServer(async (req, res) => {
      const chunks = [];
      for await (const chunk of req) chunks.push(chunk);
      req.rawForStandIn = Buffer.concat(chunks);
      res.sendStatus = (code) => { res.writeHead(code).end(); return res; };
      const handlers = routes.get(req.url) ?? [];
      const next = (i) => handlers[i]?.(req, res, () => next(i + 1));
      next(0);
    }).listen(port, "127.0.0.1"),
  };
}
express.raw = () => (req, _res, next) => { req.body = req.rawForStandIn; next(); };
