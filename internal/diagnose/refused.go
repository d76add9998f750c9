package diagnose

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// refused is why the answer was not one from 200 to 299.
func (c *evidence) refused() Diagnosis {
	code := c.a.Code
	if d, ok := c.inTheWay(); ok {
		return d
	}
	switch {
	case code >= 300 && code <= 399:
		return c.redirect()
	case code >= 500:
		return c.broken()
	}
	return c.declined()
}

func (c *evidence) answered() string {
	text := strconv.Itoa(c.a.Code)
	if name := http.StatusText(c.a.Code); name != "" {
		text += " " + name
	}
	return text
}

// inTheWay recognises what stands before servers and answers in their place.
func (c *evidence) inTheWay() (Diagnosis, bool) {
	d := Diagnosis{Said: c.said()}
	server := c.header("server")
	wall := ""
	switch {
	case c.header("cf-mitigated") == "challenge", strings.HasPrefix(server, "cloudflare") && c.says("just a moment", "cf-chl", "challenge-platform", "attention required", "you have been blocked"):
		wall = "Cloudflare"
	case c.headers["x-iinfo"] != "" && c.a.Code == 403, c.says("incapsula incident"):
		wall = "Imperva"
	case strings.Contains(server, "akamaighost") && c.a.Code == 403:
		wall = "Akamai"
	case c.header("x-amzn-waf-action") != "", c.a.Code == 403 && strings.HasPrefix(server, "awselb"):
		wall = "AWS WAF"
	case strings.Contains(server, "sucuri") && c.a.Code == 403:
		wall = "Sucuri"
	case c.a.Code == 403 && c.says("mod_security", "modsecurity"):
		wall = "ModSecurity"
	case c.header("x-vercel-mitigated") != "":
		wall = "Vercel"
	}
	if wall != "" {
		d.Code = "firewall"
		d.Sentence = "A firewall (" + wall + ") answered " + c.answered() + " in place of your server."
		d.Cause = "It takes webhooks for a bot: they send no cookies and solve no puzzles."
		d.Next = "Let this path past the firewall, by a rule for the path or for the addresses of this server, and verify signatures behind it."
		return d, true
	}
	tunnel := ""
	switch {
	case c.headers["ngrok-error-code"] != "" || c.says("err_ngrok_"):
		tunnel = "ngrok"
	case c.a.Code == 530 || c.says("error 1033", "argo tunnel error"):
		tunnel = "Cloudflare"
	case c.says("localtunnel") && c.a.Code >= 400, c.a.Code == 404 && c.says("no such app"):
		tunnel = "the host"
	}
	if tunnel != "" {
		d.Code = "tunnel_gone"
		d.Sentence = "The tunnel or app behind this address is not there; " + tunnel + " answered " + c.answered() + "."
		d.Cause = "The tunnel on your machine was closed, or its address has changed, as free ones do at every start."
		d.Next = "Start it again, and put its new address into the endpoint."
		return d, true
	}
	if c.a.Code == 400 && c.says("http request was sent to https port", "http request to an https server") {
		d.Code = "plain_to_tls"
		d.Sentence = "The address begins with http, and the server speaks TLS on this port."
		d.Cause = "The scheme and the port do not fit together."
		d.Next = "Begin the address with https."
		if u, err := url.Parse(c.a.URL); err == nil && u.Scheme == "http" {
			u.Scheme = "https"
			d.Target = u.String()
		}
		return d, true
	}
	return d, false
}

// redirect says where the answer leads.
func (c *evidence) redirect() Diagnosis {
	d := Diagnosis{Code: "redirect", Said: c.said()}
	location := c.headers["location"]
	from, errFrom := url.Parse(c.a.URL)
	to, err := url.Parse(location)
	if location == "" || err != nil || errFrom != nil {
		d.Sentence = "The server answered " + c.answered() + ", which is no delivery."
		d.Cause = "Only answers from 200 to 299 count as delivered."
		if c.a.Code == http.StatusNotModified {
			d.Cause = "A cache answered in place of your server."
		}
		d.Next = "Answer with 200 at this address."
		return d
	}
	to = from.ResolveReference(to)
	shown := shorten(to.Redacted())
	d.Sentence = "The server answered " + c.answered() + " and leads to " + shown + "."
	path := strings.ToLower(to.Path)
	if strings.Contains(path, "login") || strings.Contains(path, "signin") || strings.Contains(path, "sign_in") || strings.Contains(path, "/auth") || strings.Contains(path, "sso") {
		d.Code = "redirect_to_login"
		d.Cause = "The path is open to people who are signed in only."
		d.Next = "Leave this path out of the log-in, and verify the signature instead."
		return d
	}
	d.Cause = "Redirects are not followed: a POST would lose its body, and a stranger could send your events elsewhere."
	d.Next = "Put the address that it leads to into the endpoint."
	switch {
	case to.Scheme != "http" && to.Scheme != "https" || to.Host == "":
		d.Next = "Answer with 200 at this address."
		return d
	case from.Scheme == "http" && to.Scheme == "https" && from.Hostname() == to.Hostname() && from.Path == to.Path:
		d.Cause = "The server wants https. Redirects are not followed."
	case strings.TrimSuffix(from.Path, "/") == strings.TrimSuffix(to.Path, "/") && from.Path != to.Path && from.Host == to.Host:
		d.Cause = "A slash at the end of the path makes the difference. Redirects are not followed."
	case from.Scheme == to.Scheme && strings.TrimPrefix(from.Hostname(), "www.") == strings.TrimPrefix(to.Hostname(), "www.") && from.Hostname() != to.Hostname():
		d.Cause = "The site lives under the name with www, or without. Redirects are not followed."
	}
	d.Target = to.String()
	return d
}

// signed reports whether the answer speaks of the signature.
func (c *evidence) signed() bool {
	return c.says("signature", "webhook-id", "svix-id", "hmac", "invalid webhook", "required headers", "timestamp too old", "timestamp too new", "message timestamp")
}

const doctor = "Check that the secret is the endpoint's own, that the signature is computed over the raw body before anything parses it, and that the clock is right."

// declined is about 4xx and what is left.
func (c *evidence) declined() Diagnosis {
	d := Diagnosis{Said: c.said()}
	set := func(code, sentence, cause, next string) Diagnosis {
		d.Code, d.Sentence, d.Cause, d.Next = code, sentence, cause, next
		return d
	}
	answered := "The server answered " + c.answered()
	switch code := c.a.Code; {
	case (code == 400 || code == 401 || code == 403 || code == 422) && c.says("timestamp") && c.says("old", "new", "tolerance", "expired", "skew"):
		return set("clock_skew", answered+": it takes the signature's time for wrong.", "The clock of the server goes wrong, or the request lay in a queue for longer than the five minutes that are usual.",
			"Set the server's clock by NTP, and verify before queueing.")
	case (code == 400 || code == 401 || code == 403 || code == 422) && c.signed():
		return set("signature", answered+": it does not accept the signature.", "It verifies with another secret, or over a body that was parsed and written anew.", doctor)
	case code == 403 && c.says("csrf", "xsrf", "forgery protection"):
		return set("csrf", answered+": its protection against forged forms is in the way.", "The framework wants a CSRF token, which browsers have and webhooks do not.", "Exempt this path from CSRF protection; the signature protects it.")
	case code == 401:
		cause := "It wants a password or a token that the endpoint does not send, or the one that it sends is wrong."
		if scheme, _, _ := strings.Cut(c.headers["www-authenticate"], " "); scheme != "" {
			cause = "It wants " + shorten(scheme) + " authentication, and the endpoint sends none or the wrong one."
		}
		return set("unauthorized", answered+": it wants to know who asks.", cause, "Put the credentials into the endpoint's headers, or leave this path out of authentication and verify the signature. If it is the signature that it refuses: "+doctor)
	case code == 403:
		return set("forbidden", answered+": it knows the request and refuses it.", "A rule for addresses, a firewall, or a permission of the credentials is in the way; or it refuses the signature.",
			"Look at what stands before the server, and at its own rules for this path. If it is the signature: "+doctor)
	case code == 404:
		return set("not_found", answered+": there is nothing at this path.", "The path is spelled wrong, or the version that knows it is not deployed.", "Compare the path in the endpoint with the one that the server has. Paths heed upper and lower case.")
	case code == 405:
		next := "Take POST at this path, or use the path that does."
		if allow := c.headers["allow"]; allow != "" {
			next = "It takes " + shorten(allow) + " there. " + next
		}
		return set("method_not_allowed", answered+": there is something at this path, and it takes no POST.", "The route is one for GET, such as a page.", next)
	case code == 406:
		return set("not_acceptable", answered+": it cannot answer in a form that is wanted.", "Every form is wanted (Accept: */*), so a header of the endpoint or a rule of the server is in the way.", "Take the header Accept out of the endpoint, or answer without negotiating.")
	case code == 407:
		return set("proxy_refused", "A proxy before the server answered "+c.answered()+".", "It wants a log-in of its own.", "Let requests from outside past the proxy.")
	case code == 408:
		return set("request_timeout", answered+": it did not get the whole request in time.", "It is overloaded, or a proxy before it has a very short limit.", "Raise the limit for reading requests.")
	case code == 409:
		return set("conflict", answered+": it takes the event for a repeat, or for one that does not fit.", "Events can come twice, and not in order.", "Answer with 200 when an event is known already: its id stays the same.")
	case code == 410:
		return set("gone", answered+": it asks for no more events.", "Somebody decided that this address is over. The endpoint is turned off when its rules say so.", "Enter the new address, or remove the endpoint.")
	case code == 411:
		return set("length_required", answered+".", "The server overlooks Content-Length, which is always sent; a proxy may take it away.", "Look at what stands before the server.")
	case code == 413:
		return set("too_large", answered+": the body is larger than it takes.", "A limit of the server or of a proxy, often 100 KiB (Express) or 1 MiB (nginx).", "Raise the limit for this path: express.json({limit: \"2mb\"}), client_max_body_size 2m.")
	case code == 414:
		return set("uri_too_long", answered+": the address is too long.", "The endpoint's URL has a long query.", "Shorten the address of the endpoint.")
	case code == 415:
		return set("content_type", answered+": it does not take this content type.", "Webhooks are sent as application/json unless the event says otherwise.", "Take application/json at this path.")
	case code == 421:
		return set("misdirected", answered+": the request reached a server that is not for this name.", "The name leads to a machine that does not serve it.", "Look at the DNS record and at the server's list of names.")
	case code == 400 && c.says("bad request - invalid hostname", "invalid host header", "disallowedhost"), code == 403 && c.says("blocked host", "host is not allowed", "invalid host header"):
		return set("unknown_host", answered+": it does not serve this host name.", "The framework has a list of allowed hosts, and this one is missing.", "Add the host to ALLOWED_HOSTS, config.hosts or what it is called there.")
	case code == 400 && c.says("json", "parse", "unexpected token", "syntax"), code == 422:
		return set("rejected_payload", answered+": it does not like the content.", "Its own checks of the body fail: a field that it wants is missing or has another form, or it reads the body twice.",
			"Compare the payload with what the handler checks. For events that it does not care about, answer 200.")
	case code == 400:
		return set("bad_request", answered+".", "The handler refuses the request before it gets to work.", "Look at the server's log for the reason. If it is the signature: "+doctor)
	case code == 402:
		return set("payment_required", answered+".", "The host has suspended the site.", "Look at the account with the host.")
	case code == 423, code == 424:
		return set("not_now", answered+".", "Something that the server needs is locked or missing.", "Look at the server's log.")
	case code == 426, code == 428:
		return set("precondition", answered+".", "The server wants another protocol or a condition in the request.", "Take plain HTTP/1.1 POST requests at this path.")
	case code == 429:
		next := "Give the endpoint a rate that the server can take (Settings, rate)."
		if wait, ok := c.retryAfter(); ok {
			next = "It asked to wait for " + wait + ", which is heeded as far as the schedule allows. " + next
		}
		return set("rate_limited", answered+": too many requests at a time.", "A limit of the server, or of what stands before it, was reached.", next)
	case code == 431:
		return set("headers_refused", answered+": the request's headers are too large for it.", "The endpoint's own headers are long.", "Shorten them.")
	case code == 451:
		return set("legal", answered+".", "The host blocks requests from here for legal reasons.", "Ask the host.")
	}
	return set("client_error", answered+".", "Only answers from 200 to 299 count as delivered.", "Look at the server's log for what it did not like.")
}

// broken is about 5xx.
func (c *evidence) broken() Diagnosis {
	d := Diagnosis{Said: c.said()}
	set := func(code, sentence, cause, next string) Diagnosis {
		d.Code, d.Sentence, d.Cause, d.Next = code, sentence, cause, next
		return d
	}
	answered := "The server answered " + c.answered()
	edge := "Cloudflare answered " + strconv.Itoa(c.a.Code)
	switch c.a.Code {
	case 501:
		return set("not_implemented", answered+": it knows no POST.", "It is a server for files, or a stub.", "Use an address that takes POST.")
	case 502:
		return set("bad_gateway", answered+": a proxy got no sense out of the server behind it.", "The application has crashed, is restarting, or listens on another port than the proxy thinks.", "Look whether the application runs, and at its log.")
	case 503:
		cause := "It is overloaded, starting, or down for maintenance."
		if c.says("maintenance") {
			cause = "It is down for maintenance."
		}
		next := "If it lasts, look at the load and the health checks of the server."
		if wait, ok := c.retryAfter(); ok {
			next = "It asked to wait for " + wait + ". " + next
		}
		return set("unavailable", answered+": it is not available.", cause, next)
	case 504:
		return set("gateway_timeout", answered+": a proxy waited for the server behind it in vain.", "The handler takes longer than the proxy waits.", "Answer with 200 first and do the work afterwards, from a queue.")
	case 505:
		return set("precondition", answered+".", "The server wants another version of HTTP.", "Take HTTP/1.1 at this path.")
	case 507:
		return set("storage_full", answered+": its storage is full.", "The disk of the server is full.", "Make room.")
	case 520, 521, 522, 523, 524:
		return set("origin_down", edge+": it did not get an answer from your server.", map[int]string{520: "Your server sent something that is no answer.", 521: "Your server refuses Cloudflare's connections.", 522: "Your server does not take Cloudflare's connections in time.",
			523: "Your server cannot be reached.", 524: "Your server takes longer than Cloudflare waits."}[c.a.Code], "Look whether your server runs, and whether its firewall lets Cloudflare in.")
	case 525, 526:
		return set("origin_tls", edge+": TLS between it and your server failed.", "The certificate on your own server is invalid, or missing.", "Put a valid certificate on the server behind Cloudflare.")
	}
	cause := "The handler ended with an error."
	if c.html && c.says("<title>") {
		cause = "The handler ended with an error, and a page for people was shown."
	}
	switch {
	case c.says("sqlstate", "relation \"", "relation \\\"", "deadlock", "connection pool", "too many connections", "econnrefused", "database"):
		cause = "The handler ended with an error, by its words one of the database behind it."
	case c.says("traceback (most recent call last)", "exception in thread", "stack trace", "    at ", "panic:", "goroutine "):
		cause = "The handler ended with an exception, and shows its trace."
	case c.says("task timed out", "function_invocation_timeout", "lambda"):
		cause = "The function behind this address ran out of time or failed."
	}
	return set("server_error", answered+": something broke in it.", cause, "Look at the server's log at this time. Answer with 200 once the event is stored, and do the rest afterwards.")
}

// retryAfter is how long the receiver asked to wait, in words.
func (c *evidence) retryAfter() (string, bool) {
	value := strings.TrimSpace(c.headers["retry-after"])
	if value == "" {
		return "", false
	}
	if n, err := strconv.Atoi(value); err == nil && n >= 0 {
		return seconds(time.Duration(min(n, 1<<20)) * time.Second), true
	}
	if at, err := http.ParseTime(value); err == nil {
		if d := at.Sub(c.a.CreatedAt()).Round(time.Second); d > 0 {
			return seconds(d), true
		}
	}
	return "", false
}
