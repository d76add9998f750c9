package respond_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
)

func quote(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

func TestLimit_CutsBetweenWordsAndCharacters(t *testing.T) {
	t.Parallel()
	ten := respond.Limit{N: 10}
	tests := []struct {
		name       string
		limit      respond.Limit
		text       string
		head, rest string
	}{
		{"fits", ten, "0123456789", "0123456789", ""},
		{"no limit", respond.Limit{}, strings.Repeat("a", 100), strings.Repeat("a", 100), ""},
		{"between words", ten, "hello wide world", "hello wide", "world"},
		{"inside a long word", ten, "hi abcdefghijklmnop", "hi abcdefg", "hijklmnop"},
		{"only white space is over", ten, "0123456789   ", "0123456789", ""},
		{"surrogates count twice", ten, "👋👋👋👋👋👋", "👋👋👋👋👋", "👋"},
		{"bytes", respond.Limit{N: 10, Bytes: true}, "ääääääää", "äääää", "äää"},
		{"bytes inside a character", respond.Limit{N: 9, Bytes: true}, "ääääääää", "ääää", "ääää"},
		{"accent stays", ten, "012345678e\u0301x", "012345678", "e\u0301x"},
		{"family stays", ten, "0123👨\u200d👩\u200d👧", "0123", "👨\u200d👩\u200d👧"},
		{"skin tone stays", ten, "01234567👍🏽", "01234567", "👍🏽"},
		{"flags stay", respond.Limit{N: 6}, "🇰🇪🇩🇪", "🇰🇪", "🇩🇪"},
		{"Korean syllable stays", respond.Limit{N: 4}, "a\u1112\u1161\u11ab\u1100\u1173\u11af", "a\u1112\u1161\u11ab", "\u1100\u1173\u11af"},
		{"endless character", respond.Limit{N: 4}, "a\u0301\u0301\u0301\u0301\u0301", "a\u0301\u0301\u0301", "\u0301\u0301"},
		{"not UTF-8", ten, "a\xffb", "a\ufffdb", ""},
	}
	for _, tt := range tests {
		head, rest := tt.limit.Cut(tt.text)
		if head != tt.head || rest != tt.rest {
			t.Errorf("%s: got %+q, %+q; want %+q, %+q", tt.name, head, rest, tt.head, tt.rest)
		}
	}
}

func TestLimitOf_KnowsTheChannels(t *testing.T) {
	t.Parallel()
	want := map[hookswitch.Channel]int{hookswitch.WhatsApp: 4096, hookswitch.Messenger: 2000, hookswitch.Instagram: 1000, hookswitch.SMS: 1600,
		hookswitch.Telegram: 4096, hookswitch.X: 10000, hookswitch.USSD: 182, hookswitch.Voice: 4096, hookswitch.Email: 0, hookswitch.WebChat: 0}
	for _, c := range hookswitch.Channels {
		if got := respond.LimitOf(c).N; got != want[c] {
			t.Errorf("%s: got %d, want %d", c, got, want[c])
		}
	}
	if !respond.LimitOf(hookswitch.Instagram).Bytes {
		t.Error("instagram counts characters, want bytes")
	}
}

func FuzzLimitCut(f *testing.F) {
	f.Add("hello wide world", 10, false)
	f.Add("👨\u200d👩\u200d👧 e\u0301 \xff\r\n🇰🇪", 5, true)
	f.Fuzz(func(t *testing.T, text string, n int, bytes bool) {
		l := respond.Limit{N: 4 + max(n, -n)&0xff, Bytes: bytes}
		head, rest := l.Cut(text)
		if !utf8.ValidString(head) || !utf8.ValidString(rest) {
			t.Fatalf("cut %q at %+v: %q, %q are not valid UTF-8", text, l, head, rest)
		}
		size := len(head)
		if !bytes {
			size = len(utf16.Encode([]rune(head)))
		}
		if size > l.N || size != l.Size(head) {
			t.Errorf("cut %q at %+v: head has size %d, Size says %d", text, l, size, l.Size(head))
		}
		if head == "" && rest != "" {
			t.Errorf("cut %q at %+v makes no progress", text, l)
		}
		visible := func(s string) string {
			return strings.Map(func(r rune) rune {
				if unicode.IsSpace(r) {
					return -1
				}
				return r
			}, s)
		}
		if got, want := visible(head)+visible(rest), visible(strings.ToValidUTF8(text, "\ufffd")); got != want {
			t.Errorf("cut %q at %+v lost something: %q, %q", text, l, head, rest)
		}
	})
}
