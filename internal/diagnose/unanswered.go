package diagnose

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// unanswered is why there was no answer.
func (c *evidence) unanswered() Diagnosis {
	t := c.facts.TLS
	u, err := url.Parse(c.a.URL)
	if err != nil {
		u = new(url.URL)
	}
	d := Diagnosis{Code: c.a.Failure}
	host := u.Hostname()
	if host == "" {
		host = "the server"
	}
	say := func(sentence, cause, next string) Diagnosis {
		d.Sentence, d.Cause, d.Next = sentence, cause, next
		return d
	}
	const fixCertificate = "Deliveries go on by themselves once the certificate is in order."
	switch c.a.Failure {
	case safehttp.CodeInvalidRequest:
		d.Said = shorten(string(c.a.Answer))
		return say("The request could not be made.", "The address, a header or the secret of the endpoint cannot be used.", "Correct the endpoint's settings.")
	case safehttp.CodeDNSNotFound:
		return say("The name "+host+" does not exist.", "It is spelled wrong, its DNS record was removed, or it is known inside your own network only.",
			"Look at the spelling, and ask a public resolver: dig "+host+" @1.1.1.1.")
	case safehttp.CodeDNSFailed:
		return say("The name "+host+" could not be resolved.", "The name servers of the domain did not answer, or answered with an error.", "Look at the name servers of the domain, and whether the domain has expired.")
	case safehttp.CodeBlockedAddress:
		return say("The address is private or blocked, so nothing was sent.", host+" leads into a private network, to this machine, or to a port that is not for webhooks.",
			"Use an address that can be reached from the internet, or a tunnel or a play bin for tests. An operator can open networks with allow-networks.")
	case safehttp.CodeConnectionRefused:
		return say(host+" refused the connection.", "Nothing listens on port "+portOf(u)+": the server is not running, or listens elsewhere.", "Start the server, or correct the port in the address.")
	case safehttp.CodeConnectTimeout:
		return say("No connection came about within "+seconds(c.a.Timings.Total)+".", "A firewall drops packets from here, or the machine is off.", "Let in requests from this server, and look whether the machine is up.")
	case safehttp.CodeUnreachable:
		return say("The network of "+host+" cannot be reached.", "There is no way there: a routing fault, or an address that is not in use.", "Look at the address that the name resolves to.")
	case safehttp.CodeConnectionReset:
		return say("The connection was cut while the request was under way.", "The server, or a firewall or load balancer before it, ended it: it crashed, restarted, or did not like the request.",
			"Look at the server's log at this time, and at limits of what stands before it.")
	case safehttp.CodeTLSExpired:
		if !t.Begins.IsZero() && t.Begins.After(c.a.CreatedAt()) {
			d.Code = "tls_not_yet_valid"
			return say("The certificate of "+host+" is not valid yet.", "It begins on "+day(t.Begins)+", or the clock of the machine that made it was wrong.", "Install a certificate that is valid now. "+fixCertificate)
		}
		cause := "It was not renewed in time."
		if !t.Ends.IsZero() {
			cause = "It ended on " + day(t.Ends) + " and was not renewed."
		}
		return say("The certificate of "+host+" has expired.", cause, "Renew it, and see that the server was restarted with the new one. "+fixCertificate)
	case safehttp.CodeTLSWrongName:
		cause := "The server presents a certificate for another name."
		if len(t.Names) > 0 {
			cause = "It is for " + shorten(strings.Join(t.Names, ", ")) + "."
		}
		return say("The certificate is not for "+host+".", cause, "Use a name that the certificate has, or get one for "+host+".")
	case safehttp.CodeTLSUnknownAuthority:
		if t.SelfSigned {
			d.Code = "tls_self_signed"
			return say("The certificate of "+host+" is signed by itself.", "Nobody vouches for it, as is usual on test machines.", "Get one from a public authority; Let's Encrypt gives them for nothing. "+fixCertificate)
		}
		cause := "The authority is not public, or the server leaves out the certificates between its own and the authority's."
		if t.Issuer != "" {
			cause = "It was issued by " + shorten(t.Issuer) + ". Either that is not a public authority, or the server leaves out the certificates in between."
		}
		return say("The certificate of "+host+" was issued by an authority that is not known.", cause, "Install the full chain (fullchain.pem, not cert.pem). Browsers often fill the gap in and hide it.")
	case safehttp.CodeTLSTooOld:
		return say("The server offers old TLS versions alone.", "TLS 1.0 and 1.1 are not safe any more and are not used.", "Turn TLS 1.2 or 1.3 on at the server.")
	case safehttp.CodeTLSClientCertificate:
		return say("The server asks for a client certificate.", "It is set up for mutual TLS, and webhooks come without a certificate of their own.", "Leave this path out of mutual TLS, and verify the signature instead.")
	case safehttp.CodeTLSTimeout:
		return say("The server took the connection and did not finish the TLS handshake within "+seconds(c.a.Timings.Total)+".", "It is overloaded, or something other than a TLS server listens on port "+portOf(u)+".",
			"Look at the load of the server, and at the port.")
	case safehttp.CodeTLSNotSpoken:
		return say("The address begins with https, and the server speaks no TLS on port "+portOf(u)+".", "The port is the one for plain http, or TLS ends at a proxy elsewhere.", "Use the port that TLS is on, most often 443.")
	case safehttp.CodeTLSNoHTTP1:
		return say("The server does not offer HTTP/1.1 on port "+portOf(u)+".", "It is set up for HTTP/2 alone, or for another protocol.", "Allow HTTP/1.1 beside HTTP/2 (ALPN http/1.1).")
	case safehttp.CodeTLSFailed:
		return say("The TLS handshake failed.", "Server and client have no cipher in common, or the certificate is broken.", "Try the address with openssl s_client -connect "+host+":"+portOf(u)+".")
	case safehttp.CodeTimeout:
		return say("No answer within "+seconds(c.a.Timings.Total)+".", "The server does its work before it answers, waits for something else, or is overloaded. It may have done the work all the same.",
			"Answer with 200 first and do the work afterwards, from a queue. Expect the same event again: its id stays the same.")
	case safehttp.CodeAnswerCutOff:
		return say("The server closed the connection without a whole answer.", "The process crashed or was restarted in the middle, or a proxy gave up on it.", "Look for a crash in the server's log at this time.")
	case safehttp.CodeHeadersTooLarge:
		return say("The headers of the answer are larger than 64 KiB.", "Cookies or debug headers pile up.", "Answer webhooks without cookies and debug headers.")
	case safehttp.CodeBadAnswer:
		return say("What came back is not HTTP/1.1.", "Something other than a web server listens on port "+portOf(u)+", it speaks HTTP/2 alone, or its headers are malformed.", "Look at the port, and try the address with curl --http1.1 -v.")
	case safehttp.CodeTooManyInformational:
		return say("The server sent interim answers (1xx) without end.", "A proxy or a framework repeats 100 or 103.", "Turn early hints off for this path.")
	case safehttp.CodeProtocolSwitch:
		return say("The server answered 101 and wants another protocol.", "The path is one for WebSockets.", "Use the path that takes webhooks.")
	case safehttp.CodeCanceled:
		return say("The attempt was called off.", "This server was stopping.", "Nothing: it is made again.")
	}
	d.Code = "connection_failed"
	return say("The connection failed.", "The network between here and "+host+" had a fault.", "If it happens again, look at the server and what stands before it.")
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// seconds writes a time that somebody waited.
func seconds(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(max(d.Milliseconds(), 1), 10) + " ms"
	}
	return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
}
