package safehttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// Codes of failures. They are stable and may be stored and shown.
const (
	CodeInvalidRequest       = "invalid_request"
	CodeDNSNotFound          = "dns_not_found"
	CodeDNSFailed            = "dns_failed"
	CodeBlockedAddress       = "blocked_address"
	CodeConnectionRefused    = "connection_refused"
	CodeConnectTimeout       = "connect_timeout"
	CodeUnreachable          = "unreachable"
	CodeConnectionReset      = "connection_reset"
	CodeConnectionFailed     = "connection_failed"
	CodeTLSExpired           = "tls_expired"
	CodeTLSWrongName         = "tls_wrong_name"
	CodeTLSUnknownAuthority  = "tls_unknown_authority"
	CodeTLSTooOld            = "tls_too_old"
	CodeTLSClientCertificate = "tls_client_certificate"
	CodeTLSTimeout           = "tls_timeout"
	CodeTLSNotSpoken         = "tls_not_spoken"
	CodeTLSNoHTTP1           = "tls_no_http1"
	CodeTLSFailed            = "tls_failed"
	CodeTimeout              = "timeout"
	CodeAnswerCutOff         = "answer_cut_off"
	CodeHeadersTooLarge      = "headers_too_large"
	CodeBadAnswer            = "bad_answer"
	CodeTooManyInformational = "too_many_informational"
	CodeProtocolSwitch       = "protocol_switch"
	CodeCanceled             = "canceled"
)

// An Error is an exchange that brought no answer, or a body that ended early.
type Error struct {
	// Code is one of the Code constants.
	Code string
	// Err is the cause. It may hold addresses and other internals: for logs, not for customers.
	Err error
	// Timings tells how far the exchange came.
	Timings Timings
	// RemoteAddr is the address and port that was connected to, if any.
	RemoteAddr string
	// TLS is what the peer showed of itself, as far as the handshake came; nil without.
	TLS *TLS
	// Written reports that bytes of the request may have reached the peer, so that it may have acted on it.
	Written bool
	// Retried reports that this was the second try, on a fresh connection.
	Retried bool
}

// Error returns a sentence for the owner of the endpoint. It holds nothing the peer has sent and nothing
// about the inside of our network.
func (e *Error) Error() string {
	switch e.Code {
	case CodeInvalidRequest, CodeBlockedAddress:
		return e.Err.Error()
	case CodeDNSNotFound:
		return "the host name does not exist"
	case CodeDNSFailed:
		return "the host name could not be resolved"
	case CodeConnectionRefused:
		return "the server refused the connection"
	case CodeConnectTimeout:
		return "the server did not accept a connection in time"
	case CodeUnreachable:
		return "the server's network cannot be reached"
	case CodeConnectionReset:
		return "the server reset the connection"
	case CodeTLSExpired:
		return "the server's certificate has expired or is not valid yet"
	case CodeTLSWrongName:
		return "the server's certificate is for another host name"
	case CodeTLSUnknownAuthority:
		return "the server's certificate was issued by an unknown authority"
	case CodeTLSTooOld:
		return "the server offers only outdated TLS versions; TLS 1.2 or newer is required"
	case CodeTLSClientCertificate:
		return "the server demands a client certificate"
	case CodeTLSTimeout:
		return "the server did not complete the TLS handshake in time"
	case CodeTLSNotSpoken:
		return "the server does not speak TLS on this port"
	case CodeTLSNoHTTP1:
		return "the server does not offer HTTP/1.1 on this port"
	case CodeTLSFailed:
		return "the TLS connection could not be established"
	case CodeTimeout:
		return "the server did not answer in time"
	case CodeAnswerCutOff:
		return "the server closed the connection before its answer was complete"
	case CodeHeadersTooLarge:
		return "the headers of the server's answer are larger than 64 KiB"
	case CodeBadAnswer:
		return "the server's answer is not valid HTTP"
	case CodeTooManyInformational:
		return "the server sent too many informational answers before the final one"
	case CodeProtocolSwitch:
		return "the server tried to switch to another protocol"
	case CodeCanceled:
		return "the request was canceled"
	}
	return "the connection to the server failed"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether time ran out, in whatever phase.
func (e *Error) Timeout() bool {
	switch e.Code {
	case CodeTimeout, CodeConnectTimeout, CodeTLSTimeout:
		return true
	}
	return false
}

var (
	errHeadTooLarge = errors.New("answer head exceeds the limit")
	errBadHead      = errors.New("answer head holds a folded line or a forbidden byte")
	errNotHTTP      = errors.New("answer does not begin with HTTP/1")
)

// dialCode names a failure to resolve or connect. resolving reports that the name had
// no address yet: the errors of package net do not tell a slow name server from a slow server.
func dialCode(ctx context.Context, err error, resolving bool) string {
	var blocked *BlockedError
	var badURL *URLError
	var dns *net.DNSError
	switch {
	case errors.As(err, &blocked), errors.As(err, &badURL):
		return CodeBlockedAddress
	case canceled(ctx):
		return CodeCanceled
	case errors.As(err, &dns) && dns.IsNotFound:
		return CodeDNSNotFound
	case resolving, errors.As(err, &dns):
		return CodeDNSFailed
	case errors.Is(err, syscall.ECONNREFUSED):
		return CodeConnectionRefused
	case isTimeout(err), errors.Is(err, syscall.ETIMEDOUT):
		return CodeConnectTimeout
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return CodeUnreachable
	case isReset(err):
		return CodeConnectionReset
	}
	return CodeConnectionFailed
}

// tlsCode names a failed handshake.
func tlsCode(ctx context.Context, err error) string {
	if canceled(ctx) {
		return CodeCanceled
	}
	if isTimeout(err) || errors.Is(err, context.DeadlineExceeded) {
		return CodeTLSTimeout
	}
	if code := certificateCode(err); code != "" {
		return code
	}
	if isReset(err) {
		return CodeConnectionReset
	}
	return CodeTLSFailed
}

func certificateCode(err error) string {
	var (
		invalid   x509.CertificateInvalidError
		hostname  x509.HostnameError
		authority x509.UnknownAuthorityError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return CodeTLSExpired
	case errors.As(err, &hostname):
		return CodeTLSWrongName
	case errors.As(err, &authority):
		return CodeTLSUnknownAuthority
	case errors.As(err, &record):
		return CodeTLSNotSpoken
	}
	// The library keeps its alert type to itself; the words are all there is.
	text := err.Error()
	switch {
	case strings.Contains(text, "protocol version"):
		return CodeTLSTooOld
	case strings.Contains(text, "certificate required"):
		return CodeTLSClientCertificate
	case strings.Contains(text, "no application protocol"), strings.Contains(text, "unadvertised ALPN"):
		return CodeTLSNoHTTP1
	case strings.Contains(text, "tls: "):
		return CodeTLSFailed
	}
	return ""
}

// exchangeCode names a failure while writing the request or reading the answer.
func exchangeCode(ctx context.Context, err error) string {
	switch {
	case errors.Is(err, errHeadTooLarge):
		return CodeHeadersTooLarge
	case errors.Is(err, errBadHead), errors.Is(err, errNotHTTP):
		return CodeBadAnswer
	case isTimeout(err):
		return endCode(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return CodeAnswerCutOff
	case isReset(err):
		return CodeConnectionReset
	}
	if code := certificateCode(err); code != "" {
		return code
	}
	return CodeConnectionFailed
}

// canceled reports whether somebody gave up on the exchange, as opposed to time running out.
func canceled(ctx context.Context) bool {
	return errors.Is(ctx.Err(), context.Canceled)
}

// endCode names the end of an exchange that was not finished in time.
func endCode(ctx context.Context) string {
	if canceled(ctx) {
		return CodeCanceled
	}
	return CodeTimeout
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

// isGone reports whether err is what a connection says that the peer has closed meanwhile.
func isGone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isReset(err)
}
