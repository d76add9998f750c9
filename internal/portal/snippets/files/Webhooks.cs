using System;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

// In ASP.NET: read Request.Body into bytes, and Request.Headers for webhook-id, webhook-timestamp and webhook-signature.
// Answer Results.NoContent() at once, and do the work elsewhere.
public sealed class Webhooks
{
    private readonly byte[] key;

    public Webhooks(string secret)
    {
        key = Convert.FromBase64String(secret.StartsWith("whsec_", StringComparison.Ordinal) ? secret.Substring(6) : secret);
    }

    /// <summary>Whether the request was signed with the secret, not more than five minutes ago.</summary>
    public bool Verify(string id, string timestamp, string signatures, byte[] body)
    {
        long at;
        if (string.IsNullOrEmpty(id) || signatures == null || !long.TryParse(timestamp, System.Globalization.NumberStyles.None, null, out at)
            || Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - at) > 300)
        {
            return false;
        }
        using (var mac = new HMACSHA256(key))
        {
            var signed = Encoding.UTF8.GetBytes(id + "." + timestamp + ".").Concat(body).ToArray();
            var expected = "v1," + Convert.ToBase64String(mac.ComputeHash(signed));
            return signatures.Split(' ').Count(given => Same(given, expected)) > 0;
        }
    }

    private static bool Same(string a, string b) // in constant time
    {
        var differ = a.Length ^ b.Length;
        for (var i = 0; i < a.Length && i < b.Length; i++) differ |= a[i] ^ b[i];
        return differ == 0;
    }
}
