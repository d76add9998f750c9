package safehttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// TLS is what a peer showed of itself while a connection was made secure. Names and issuer are foreign text.
type TLS struct {
	// Version is the protocol that was agreed on, such as "TLS 1.3"; empty where it did not come to that.
	Version string
	// Names are the host names and addresses that the certificate is for, at most ten; Issuer is who issued it.
	Names  []string
	Issuer string
	// SelfSigned reports that the certificate names itself as its issuer.
	SelfSigned bool
	// Begins and Ends bound the time in which the certificate is valid; zero: there was none.
	Begins, Ends time.Time
}

// maxNames is how many names of a certificate are kept, and maxName how long each may be.
const (
	maxNames = 10
	maxName  = 253
)

func describe(version uint16, chain []*x509.Certificate) *TLS {
	t := new(TLS)
	if version != 0 {
		t.Version = tls.VersionName(version)
	}
	if len(chain) == 0 {
		return t
	}
	c := chain[0]
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names[:len(names):len(names)], ip.String())
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = []string{c.Subject.CommonName}
	}
	for _, n := range names[:min(len(names), maxNames)] {
		t.Names = append(t.Names, n[:min(len(n), maxName)])
	}
	t.Issuer = c.Issuer.CommonName
	if t.Issuer == "" && len(c.Issuer.Organization) > 0 {
		t.Issuer = c.Issuer.Organization[0]
	}
	t.Issuer = t.Issuer[:min(len(t.Issuer), maxName)]
	t.SelfSigned = string(c.RawIssuer) == string(c.RawSubject)
	t.Begins, t.Ends = c.NotBefore, c.NotAfter
	return t
}

// refused is what is known of a peer whose certificate was not accepted; nil: nothing.
func refused(err error) *TLS {
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) {
		return describe(0, bad.UnverifiedCertificates)
	}
	return nil
}
