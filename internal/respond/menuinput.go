package respond

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// read is what was entered in the form in which it is kept, or empty when it may not be entered.
func (in *menuInput) read(entered string) string {
	if entered == "" || utf8.RuneCountInString(entered) > MaxEntered || hookswitch.CheckText(entered) != "" {
		return ""
	}
	value, size := entered, int64(utf8.RuneCountInString(entered))
	switch in.kind {
	case inputNumber:
		value = strings.ReplaceAll(strings.ReplaceAll(entered, " ", ""), ",", "")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return ""
		}
		value, size = strconv.FormatInt(n, 10), n
	case inputDigits:
		value = spoken(entered)
		if strings.ContainsFunc(value, func(r rune) bool { return r < '0' || r > '9' }) {
			return ""
		}
		size = int64(len(value))
	case inputPhone:
		value = spoken(entered)
		digits := strings.TrimPrefix(value, "+")
		if len(digits) < 4 || len(digits) > 15 || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
			return ""
		}
		size = int64(len(digits))
	}
	if value == "" || size < in.low || size > in.high || in.pattern != nil && !in.pattern.MatchString(value) {
		return ""
	}
	return value
}

// spoken is a number without what people and speech recognition put between its digits.
func spoken(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-.,()", r) {
			return -1
		}
		return r
	}, s)
}
