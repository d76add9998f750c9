<?php
// Routes in routes/api.php have no CSRF check; the address of this one is /api/webhooks.
// Name the secret in config/services.php: 'webhooks' => ['secret' => env('WEBHOOK_SECRET')].
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Log;
use Illuminate\Support\Facades\Route;

Route::post('/webhooks', function (Request $request) {
    $id = (string) $request->header('webhook-id');
    $time = (string) $request->header('webhook-timestamp');
    $body = $request->getContent(); // the bytes as they arrived, not $request->all()
    if ($id === '' || !preg_match('/^[0-9]+$/D', $time) || abs(time() - (int) $time) > 300) {
        abort(400);
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', config('services.webhooks.secret')));
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
    $right = false;
    foreach (explode(' ', (string) $request->header('webhook-signature')) as $given) {
        $right = hash_equals($expected, $given) || $right;
    }
    abort_unless($right, 400);

    $event = json_decode($body, true);
    dispatch(function () use ($id, $event) { // a job of the queue: answer first, work afterwards
        Log::info($id . ' ' . $event['type']);
    });
    return response()->noContent();
});
