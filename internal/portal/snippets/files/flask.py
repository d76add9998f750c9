import base64, hashlib, hmac, os, time

from flask import Flask, abort, request

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))


def verify(headers, body: bytes) -> bool:
    msg_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not msg_id or not at.isascii() or not at.isdigit() or abs(time.time() - int(at)) > 300:
        return False
    digest = hmac.new(KEY, f"{msg_id}.{at}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any([hmac.compare_digest(expected.encode(), s.encode()) for s in given])


app = Flask(__name__)


@app.post("/webhooks")
def webhooks():
    body = request.get_data()  # the bytes as they arrived; request.json would not do
    if not verify(request.headers, body):
        abort(400)
    event = request.get_json(force=True)
    print(request.headers["webhook-id"], event["type"])  # hand it to a worker, and answer at once
    return "", 204
