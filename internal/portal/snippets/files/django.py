import base64, hashlib, hmac, json, os, time

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))


def verify(headers, body: bytes) -> bool:
    msg_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not msg_id or not at.isascii() or not at.isdigit() or abs(time.time() - int(at)) > 300:
        return False
    digest = hmac.new(KEY, f"{msg_id}.{at}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any([hmac.compare_digest(expected.encode(), s.encode()) for s in given])


@csrf_exempt  # the signature is the proof
@require_POST
def webhooks(request):
    if not verify(request.headers, request.body):
        return HttpResponse(status=400)
    event = json.loads(request.body)
    print(request.headers["webhook-id"], event["type"])  # hand it to a worker, and answer at once
    return HttpResponse(status=204)


urlpatterns = [path("webhooks", webhooks)]
