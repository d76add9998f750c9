import base64, hashlib, hmac, json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))


def verify(headers, body: bytes) -> bool:
    msg_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not msg_id or not at.isascii() or not at.isdigit() or abs(time.time() - int(at)) > 300:
        return False
    digest = hmac.new(KEY, f"{msg_id}.{at}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any([hmac.compare_digest(expected.encode(), s.encode()) for s in given])


class Webhooks(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ok = verify(self.headers, body)
        self.send_response(204 if ok else 400)  # answer first, work afterwards
        self.end_headers()
        if ok:
            print(self.headers["webhook-id"], json.loads(body)["type"])


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ["PORT"])), Webhooks).serve_forever()
