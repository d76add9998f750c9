package safehttp

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Field is one header line. Names are sent as they are spelled.
type Field struct {
	Name, Value string
}

// A Request is what [Client.Do] sends. It is not changed, and may be sent again.
type Request struct {
	// Method is any token but CONNECT.
	Method string
	// URL is the target, best parsed once with [Guard.ParseURL] and kept. Userinfo and fragment are not sent.
	URL *url.URL
	// Header lines follow Host in the given order. The client writes Host and Content-Length itself and
	// refuses the names for which [CheckHeader] says so. Nothing else is added.
	Header []Field
	// Body is sent as it is.
	Body []byte
	// Timeout bounds the whole exchange: resolving, connecting, TLS, writing, waiting and reading.
	// 0 stands for the client's default.
	Timeout time.Duration
	// Once forbids the second try on a fresh connection when a kept one turns out to be dead after bytes may
	// have been written. Set it where the peer acting twice would be worse than not knowing.
	Once bool
	// Pause is how long to wait between the head of the request and its body, for trying how a peer bears that. 0 sends both at once.
	Pause time.Duration
	// Keep is how much of the answer's body is kept, in bytes. 0 stands for [MaxAnswer].
	Keep int
}

// A Response is a complete status line and head, and as much of the body as was worth keeping.
type Response struct {
	// Status is the code as sent: redirects are not followed.
	Status int
	// Header is at most 64 KiB of foreign text: without ASCII control characters other than tabs, but not
	// necessarily UTF-8.
	Header http.Header
	// Body holds at most [MaxAnswer] bytes, or what [Request.Keep] allows, as sent: never unpacked.
	Body []byte
	// Truncated reports that the body was longer, or ended early for the reason in BodyErr.
	Truncated bool
	// BodyErr is an *Error if the body could not be read to its end. The status counts all the same.
	BodyErr error
	// Timings tells where the time went.
	Timings Timings
	// RemoteAddr is the address and port that answered.
	RemoteAddr string
	// CertificateEnds is when the certificate that answered expires; zero without TLS.
	CertificateEnds time.Time
	// TLS is what the peer showed of itself; nil without. It is shared and must not be changed.
	TLS *TLS
	// Retried reports that a kept connection was dead and the request was sent again on a fresh one.
	Retried bool
}

// Timings are the phases of an exchange. On a reused connection DNS, Connect and TLS are zero.
type Timings struct {
	// DNS is the time spent resolving the name.
	DNS time.Duration
	// Connect is the time from there until a TCP connection stood.
	Connect time.Duration
	// TLS is the time of the handshake.
	TLS time.Duration
	// Wait is the time from the end of writing to the first byte of the answer.
	Wait time.Duration
	// Total is the whole, from call to return.
	Total time.Duration
	// Reused reports that the connection had served before.
	Reused bool
}

// CheckHeader returns an error with a sentence for the person who wrote the line if name or value cannot be
// sent, or if the name is one that the client must write itself.
func CheckHeader(name, value string) error {
	if name == "" {
		return errors.New("header name is empty")
	}
	for i := 0; i < len(name); i++ {
		if !isTokenByte(name[i]) {
			return errors.New("header name contains a character that header names cannot contain")
		}
	}
	for i := 0; i < len(value); i++ {
		if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
			return errors.New("value of header " + name + " contains a line break or another control character")
		}
	}
	if isReserved(name) {
		return errors.New("header " + name + " belongs to the connection and cannot be set")
	}
	return nil
}

// isReserved reports whether a header decides how a message is framed or what becomes of the connection.
func isReserved(name string) bool {
	switch len(name) {
	case 2:
		return strings.EqualFold(name, "TE")
	case 4:
		return strings.EqualFold(name, "Host")
	case 6:
		return strings.EqualFold(name, "Expect")
	case 7:
		return strings.EqualFold(name, "Trailer") || strings.EqualFold(name, "Upgrade")
	case 10:
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive")
	case 14:
		return strings.EqualFold(name, "Content-Length")
	case 16:
		return strings.EqualFold(name, "Proxy-Connection")
	case 17:
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

func isTokenByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' ||
		strings.IndexByte("!#$%&'*+.^_`|~", b) >= 0
}

// appendHead writes request line and headers, refusing whatever could break out of its line.
func (r *Request) appendHead(buf []byte) ([]byte, error) {
	if r.Method == "" || r.Method == http.MethodConnect {
		return nil, errors.New("method cannot be sent")
	}
	for i := 0; i < len(r.Method); i++ {
		if !isTokenByte(r.Method[i]) {
			return nil, errors.New("method cannot be sent")
		}
	}
	u := r.URL
	if u == nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.Host == "" {
		return nil, errors.New("URL must begin with http:// or https:// and name a host")
	}
	host := strings.TrimSuffix(u.Host, ":")
	for i := 0; i < len(host); i++ {
		if b := host[i]; !isHostByte(b) && b != ':' && b != '[' && b != ']' {
			return nil, errors.New("URL has a character in its host that host names cannot contain")
		}
	}

	buf = append(buf, r.Method...)
	buf = append(buf, ' ')
	if path := u.EscapedPath(); path == "" {
		buf = append(buf, '/')
	} else {
		if path[0] != '/' {
			buf = append(buf, '/')
		}
		buf = append(buf, path...)
	}
	if u.RawQuery != "" || u.ForceQuery {
		var ok bool
		buf = append(buf, '?')
		if buf, ok = appendQuery(buf, u.RawQuery); !ok {
			return nil, errors.New("URL must not contain line breaks or other control characters")
		}
	}
	buf = append(buf, " HTTP/1.1\r\nHost: "...)
	buf = append(buf, host...)
	buf = append(buf, "\r\n"...)
	for i := range r.Header {
		f := &r.Header[i]
		if err := CheckHeader(f.Name, f.Value); err != nil {
			return nil, err
		}
		buf = append(buf, f.Name...)
		buf = append(buf, ": "...)
		buf = append(buf, f.Value...)
		buf = append(buf, "\r\n"...)
	}
	if len(r.Body) > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		buf = append(buf, "Content-Length: "...)
		buf = strconv.AppendInt(buf, int64(len(r.Body)), 10)
		buf = append(buf, "\r\n"...)
	}
	return append(buf, "\r\n"...), nil
}

// appendQuery writes a raw query, escaping the few bytes that url.Parse lets through but a request line
// cannot hold. Control characters are refused.
func appendQuery(buf []byte, query string) ([]byte, bool) {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(query); i++ {
		switch b := query[i]; {
		case b < ' ' || b == 0x7f:
			return buf, false
		case b == ' ' || b > 0x7f:
			buf = append(buf, '%', hex[b>>4], hex[b&15])
		default:
			buf = append(buf, b)
		}
	}
	return buf, true
}
