package hookswitch_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"user.signup": true, "A-Z_0.9": true, "x": true, strings.Repeat("x", 256): true,
		"": false, strings.Repeat("x", 257): false, "two words": false, "a/b": false, "a:b": false, "ünï": false, "a\n": false, "a\x00": false,
	} {
		if got := hookswitch.CheckName(name); (got == "") != good {
			t.Errorf("%.20q: %q", name, got)
		}
	}
}

func TestCheckUID_LeavesOurPrefixesToUs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind hookswitch.Kind
		uid  string
		good bool
	}{
		{hookswitch.KindApp, "customer-1", true},
		{hookswitch.KindApp, "app_1", false},
		{hookswitch.KindEndpoint, "app_1", true},
		{hookswitch.KindEndpoint, "ep_1", false},
		{hookswitch.KindEvent, "msg_", false},
		{hookswitch.KindEvent, "", false},
	} {
		if got := hookswitch.CheckUID(c.kind, c.uid); (got == "") != c.good {
			t.Errorf("%s as a name for %s: %q", c.uid, c.kind.Prefix(), got)
		}
	}
}

func TestCheckTag(t *testing.T) {
	t.Parallel()
	for tag, good := range map[string]bool{
		"project:1+2": true, "a.b-c_d": true, strings.Repeat("x", 128): true,
		"": false, strings.Repeat("x", 129): false, "a b": false, "a/b": false, "é": false,
	} {
		if got := hookswitch.CheckTag(tag); (got == "") != good {
			t.Errorf("%.20q: %q", tag, got)
		}
	}
}

func TestCheckLabel(t *testing.T) {
	t.Parallel()
	for label, good := range map[string]bool{
		`project/1\2#3`: true, "a.b-c_d": true, strings.Repeat("x", 128): true,
		"": false, strings.Repeat("x", 129): false, "a b": false, "a:b": false, "a+b": false, "é": false, "a\x00": false,
	} {
		if got := hookswitch.CheckLabel(label); (got == "") != good {
			t.Errorf("%.20q: %q", label, got)
		}
	}
}

func TestCheckContentType(t *testing.T) {
	t.Parallel()
	for kind, good := range map[string]bool{
		"text/plain": true, `text/plain; charset="utf-8"`: true, "application/vnd.api+json": true,
		"": false, "text": false, "text/": false, "text/plain; =": false, "text/plain\r\nx: y": false, "text/plain\x00": false, "téxt/plain": false, "text/" + strings.Repeat("x", 300): false,
	} {
		if got := hookswitch.CheckContentType(kind); (got == "") != good {
			t.Errorf("%.20q: %q", kind, got)
		}
	}
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{"": true, "Ünï\tcode\n😀": true, "a\x00": false, "\x08": false, "\x09": true} {
		if got := hookswitch.CheckText(text); (got == "") != good {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestCheckMetadata_CountsBytesAsJSON(t *testing.T) {
	t.Parallel()
	fits := map[string]string{"k": strings.Repeat("x", hookswitch.MaxMetadata-len(`{"k":""}`))}
	if got := hookswitch.CheckMetadata(fits); got != "" {
		t.Error(got)
	}
	fits["k"] += "x"
	if hookswitch.CheckMetadata(fits) == "" {
		t.Error("one byte too many is taken")
	}
	if hookswitch.CheckMetadata(nil) != "" {
		t.Error("none is refused")
	}
}

func TestCheckPhone(t *testing.T) {
	t.Parallel()
	for phone, good := range map[string]bool{
		"+15551234567": true, "+1234567": true, "+123456789012345": true,
		"15551234567": false, "+0123456789": false, "+123456": false, "+1234567890123456": false, "+1555 123456": false, "+1_555_1234": false,
		"++1555123456": false, "+１５５５１２３": false, "": false, "+": false,
	} {
		if got := hookswitch.CheckPhone(phone); (got == "") != good {
			t.Errorf("%q: %q", phone, got)
		}
	}
}
