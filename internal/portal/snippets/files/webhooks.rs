// Cargo.toml: base64 = "0.22", hmac = "0.12", sha2 = "0.10"
use base64::{engine::general_purpose::STANDARD, Engine};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether the request was signed with the secret, not more than five minutes ago.
///
/// In axum: take `HeaderMap` with webhook-id, webhook-timestamp and webhook-signature, and `Bytes` for the body. Answer
/// `StatusCode::NO_CONTENT` at once, and do the work in a task.
pub fn verify(secret: &str, id: &str, timestamp: &str, signatures: &str, body: &[u8]) -> bool {
    let Ok(key) = STANDARD.decode(secret.trim_start_matches("whsec_")) else { return false };
    let Ok(at) = timestamp.parse::<u64>() else { return false };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_secs()).unwrap_or(0);
    if id.is_empty() || now.abs_diff(at) > 300 {
        return false;
    }
    signatures.split(' ').filter_map(|s| s.strip_prefix("v1,")).filter_map(|s| STANDARD.decode(s).ok()).any(|given| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length will do");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        mac.verify_slice(&given).is_ok() // in constant time
    })
}
