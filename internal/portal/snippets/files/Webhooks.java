import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

// In Spring: a @PostMapping with @RequestBody byte[] body and @RequestHeader for webhook-id, webhook-timestamp and webhook-signature.
// Answer ResponseEntity.noContent() at once, and do the work elsewhere.
public final class Webhooks {
    private final SecretKeySpec key;

    public Webhooks(String secret) {
        key = new SecretKeySpec(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")), "HmacSHA256");
    }

    /** Whether the request was signed with the secret, not more than five minutes ago. */
    public boolean verify(String id, String timestamp, String signatures, byte[] body) {
        try {
            if (id == null || id.isEmpty() || signatures == null || timestamp == null || !timestamp.matches("[0-9]{1,12}")
                    || Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > 300) {
                return false;
            }
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
            byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(StandardCharsets.UTF_8);
            for (String given : signatures.split(" ")) {
                if (MessageDigest.isEqual(expected, given.getBytes(StandardCharsets.UTF_8))) {
                    return true;
                }
            }
            return false;
        } catch (java.security.GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
