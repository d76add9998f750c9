import java.security.MessageDigest
import java.time.Instant
import java.util.Base64
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import kotlin.math.abs

// In Ktor: call.receive<ByteArray>() and call.request.headers with webhook-id, webhook-timestamp and webhook-signature.
// Answer HttpStatusCode.NoContent at once, and do the work elsewhere.
class Webhooks(secret: String) {
    private val key = SecretKeySpec(Base64.getDecoder().decode(secret.removePrefix("whsec_")), "HmacSHA256")

    /** Whether the request was signed with the secret, not more than five minutes ago. */
    fun verify(id: String?, timestamp: String?, signatures: String?, body: ByteArray): Boolean {
        if (id.isNullOrEmpty() || timestamp == null || signatures == null || !Regex("[0-9]{1,12}").matches(timestamp)) return false
        if (abs(Instant.now().epochSecond - timestamp.toLong()) > 300) return false
        val mac = Mac.getInstance("HmacSHA256")
        mac.init(key)
        mac.update("$id.$timestamp.".toByteArray())
        val expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).toByteArray()
        return signatures.split(" ").any { MessageDigest.isEqual(expected, it.toByteArray()) }
    }
}
