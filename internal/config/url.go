package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// URL is an http or https address without query and trailing slash. Its host stays as it was written: Twilio signs the address that it was given, letter by letter. Empty means not set.
type URL string

// UnmarshalText reads u.
func (u *URL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*u = ""
		return nil
	}
	v, err := parseURL(string(text))
	*u = URL(v)
	return err
}

func parseURL(s string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%q is not an address such as https://hooks.example.com", s)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("%q must have no user, query or fragment", s)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// Origins is a list of origins such as https://app.example.com, separated by commas, in the form of the frame-ancestors directive.
type Origins []string

// What may stand in a Content-Security-Policy header: nothing that could end the directive.
var origin = regexp.MustCompile(`^https?://(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?$`)

// UnmarshalText reads os.
func (os *Origins) UnmarshalText(text []byte) error {
	list := Origins{}
	for _, item := range splitList(string(text)) {
		if item != "'self'" && !origin.MatchString(item) {
			return fmt.Errorf("%q is not an origin such as https://app.example.com", item)
		}
		list = append(list, item)
	}
	*os = list
	return nil
}

// BaseURLs maps names of providers to the address to call instead of the provider's own: NAME=URL, separated by commas.
type BaseURLs map[string]string

// UnmarshalText adds to us.
func (us *BaseURLs) UnmarshalText(text []byte) error {
	if *us == nil {
		*us = BaseURLs{}
	}
	for _, item := range splitList(string(text)) {
		name, address, ok := strings.Cut(item, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return fmt.Errorf("%q is not NAME=URL, such as twilio=http://127.0.0.1:9000", item)
		}
		v, err := parseURL(address)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		(*us)[name] = v
	}
	return nil
}
