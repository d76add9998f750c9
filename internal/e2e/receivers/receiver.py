"""A webhook handler in Python, which checks the signature over the bytes of the body. GUIDE says from which of the published guides."""

import hashlib
import hmac
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["WEBHOOK_SECRET"]
GUIDE = os.environ["GUIDE"]
TOLERANCE = 300


def verify_signature(header, body):
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    if abs(time.time() - int(parts.get("t", "0"))) > TOLERANCE:
        return False
    timed = parts["t"].encode() + b"." + body
    if GUIDE == "older":
        signature, signed = parts.get("v1", ""), timed
    elif "v2" in parts:
        signature, signed = parts["v2"], timed
    else:
        signature, signed = parts.get("v1", ""), body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not verify_signature(self.headers.get("X-Zavu-Signature", ""), body):
            self.answer(401, b"Invalid signature")
            return
        event = json.loads(body)
        self.answer(200, b"OK")
        threading.Thread(target=process_event, args=(event,)).start()

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


def process_event(event):
    sys.stdout.write(f"accepted {event['type']} {event['id']}\n")
    sys.stdout.flush()


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
