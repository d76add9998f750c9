<?php
// A webhook handler in PHP, which checks the signature over the bytes of the body. GUIDE says from which of the published guides.

function verifySignature(string $header, string $body, string $secret): bool
{
    $parts = [];
    foreach (explode(',', $header) as $part) {
        [$name, $value] = array_pad(explode('=', $part, 2), 2, '');
        $parts[$name] = $value;
    }
    if (abs(time() - (int) ($parts['t'] ?? 0)) > 300) {
        return false;
    }
    $timed = $parts['t'] . '.' . $body;
    if (getenv('GUIDE') === 'older') {
        [$signature, $signed] = [$parts['v1'] ?? '', $timed];
    } elseif (isset($parts['v2'])) {
        [$signature, $signed] = [$parts['v2'], $timed];
    } else {
        [$signature, $signed] = [$parts['v1'] ?? '', $body];
    }
    return hash_equals(hash_hmac('sha256', $signed, $secret), $signature);
}

$rawBody = file_get_contents('php://input');
if (!verifySignature($_SERVER['HTTP_X_ZAVU_SIGNATURE'] ?? '', $rawBody, getenv('WEBHOOK_SECRET'))) {
    http_response_code(401);
    echo 'Invalid signature';
    exit;
}
$event = json_decode($rawBody, true);
error_log("accepted {$event['type']} {$event['id']}");
http_response_code(200);
echo 'OK';
