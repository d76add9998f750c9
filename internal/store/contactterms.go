package store

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/hookswitch/hookswitch"
)

// Contacts are found by the beginnings of terms: the words of their names, what they are known by and, for its end, each number backwards. Terms are folded: neither case nor accents matter.

// backwards begins the terms that are numbers backwards.
const backwards = "<"

// maxTerm bounds a term, in bytes, and maxTerms how many a contact has.
const (
	maxTerm  = 100
	maxTerms = 100
)

// fold is s without case and accents.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
}

// words are the words of s, and the parts of those that are not of letters and digits alone.
func words(s string) []string {
	list := strings.Fields(fold(s))
	for _, w := range list[:len(list):len(list)] {
		parts := strings.FieldsFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if len(parts) != 1 || parts[0] != w {
			list = append(list, parts...)
		}
	}
	return list
}

// number is s as a number without "+" when that is what it is, written in whatever way; else "".
func number(s string) string {
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case strings.ContainsRune(" +-().\u00a0", r):
			return -1
		}
		return 'x'
	}, s)
	if strings.Contains(digits, "x") {
		return ""
	}
	return digits
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// termsOf are what a contact is found by.
func termsOf(c *hookswitch.Contact) []string {
	var list []string
	list = append(list, words(c.Name)...)
	list = append(list, words(c.DisplayName)...)
	for _, id := range c.Identifiers {
		if n := number(id.Value); n != "" {
			list = append(list, n, backwards+reversed(n))
			continue
		}
		list = append(list, words(id.Value)...)
	}
	for i, t := range list {
		if len(t) > maxTerm {
			list[i] = strings.ToValidUTF8(t[:maxTerm], "")
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), maxTerms)]
}

// indexContacts brings what contacts of an App are found by up to date. Those that are not there any more are left alone.
func (tx *Tx) indexContacts(app hookswitch.Key, keys []hookswitch.Key) error {
	list, err := tx.ContactsByKeys(tx.ctx, app, keys)
	if err != nil || len(list) == 0 {
		return err
	}
	args := []any{int64(app)}
	rows, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (t termRow, err error) {
		err = row.Scan(&t.contact, &t.term)
		return t, err
	}, `SELECT contact_id, term FROM contact_terms WHERE app_id = $1 AND contact_id IN `+padded(&args, int64s(keys)), args...)
	if err != nil {
		return err
	}
	have := make(map[termRow]bool, len(rows))
	for _, t := range rows {
		have[t] = true
	}
	var missing [][]any
	for _, c := range list {
		for _, term := range termsOf(c) {
			t := termRow{term, c.Key}
			if !have[t] {
				missing = append(missing, []any{int64(app), term, int64(c.Key)})
			}
			delete(have, t)
		}
	}
	for t := range have {
		if _, err := tx.exec(`DELETE FROM contact_terms WHERE app_id = $1 AND term = $2 AND contact_id = $3`, int64(app), t.term, int64(t.contact)); err != nil {
			return err
		}
	}
	slices.SortFunc(missing, func(a, b []any) int { return strings.Compare(a[1].(string), b[1].(string)) }) // those of a page together
	return tx.insertRows(insertTerms, missing)
}

var insertTerms = several(`INSERT INTO contact_terms (app_id, term, contact_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`)

// termRow is one term of a contact.
type termRow struct {
	term    string
	contact hookswitch.Key
}

// Found is a place in a list of what was searched for: a contact, and the term that it was found by. Range counts the ways of finding, of which the better ones come first.
type Found struct {
	Range   int
	Term    string
	Contact hookswitch.Key
}

// searchRows is how many rows of the index a search looks at before it gives up, and searchStep how many at once.
const (
	searchRows = 20_000
	searchStep = 500
)

// maxWords is how many words of what is searched for count, besides the last.
const maxWords = 8

// span is the terms that begin with a text.
type span struct{ low, high string }

func begins(s string) span { return span{s, s + "\U0010FFFF"} }

// FindContacts lists the contacts of an app that the text finds: all of its words, the last by its beginning, or the beginning or the end of a number. The list goes on
// behind after, up to limit contacts. next is where it goes on; nil: it is over. A list that is not may be short: the search has given up looking for the time being.
func (r *Reader) FindContacts(ctx context.Context, app hookswitch.Key, text string, after Found, limit int) (list []Found, next *Found, err error) {
	ways, rest := spansOf(text)
	looked := 0
	for i := after.Range; i < len(ways); i++ {
		from := Found{Range: i}
		if i == after.Range {
			from = after
		}
		for {
			rows, err := r.foundStep(ctx, app, ways, i, rest, from)
			if err != nil {
				return nil, nil, err
			}
			for _, row := range rows {
				from = row.Found
				if !row.ok {
					continue
				}
				if list = append(list, row.Found); len(list) == limit {
					return list, &from, nil
				}
			}
			if len(rows) < searchStep {
				break
			}
			if looked += len(rows); looked >= searchRows {
				return list, &from, nil
			}
		}
	}
	return list, nil, nil
}

// spansOf are the ways in which a text finds contacts, each by one of their terms, the better ones first; and what has to be among their terms besides.
func spansOf(text string) (ways, rest []span) {
	if n := number(text); n != "" {
		return []span{begins(n), begins(backwards + reversed(n))}, nil
	}
	list := strings.Fields(fold(text))
	if len(list) == 0 {
		return nil, nil
	}
	last := len(list) - 1
	by := begins(list[last])
	for _, w := range list[:min(last, maxWords)] {
		s := span{w, w + "\x00"}
		if len(w) > len(by.low) {
			s, by = by, s // the longest word has the fewest contacts
		}
		rest = append(rest, s)
	}
	return []span{by}, rest
}

type foundRow struct {
	Found
	ok bool
}

// foundStep reads some rows of the index behind from. Those that a better or an earlier term has found already, and those that lack one of rest, are not ok.
func (r *Reader) foundStep(ctx context.Context, app hookswitch.Key, ways []span, way int, rest []span, from Found) ([]foundRow, error) {
	args := []any{int64(app), ways[way].low, ways[way].high, from.Term, int64(from.Contact)}
	ok := `NOT EXISTS (SELECT 1 FROM contact_terms o WHERE o.contact_id = t.contact_id AND o.term >= $2 AND o.term < t.term)`
	has := func(s span) string {
		args = append(args, s.low, s.high)
		return `EXISTS (SELECT 1 FROM contact_terms o WHERE o.contact_id = t.contact_id AND o.term >= ` + placeholder(args[:len(args)-1]) + ` AND o.term < ` + placeholder(args) + `)`
	}
	for _, s := range ways[:way] {
		ok += ` AND NOT ` + has(s)
	}
	for _, s := range rest {
		ok += ` AND ` + has(s)
	}
	args = append(args, searchStep)
	return scanAll(ctx, r, func(row rowScanner) (f foundRow, err error) {
		f.Range = way
		err = row.Scan(&f.Term, &f.Contact, &f.ok)
		return f, err
	}, `SELECT t.term, t.contact_id, `+ok+` FROM contact_terms t WHERE t.app_id = $1 AND t.term >= $2 AND t.term < $3 AND (t.term, t.contact_id) > ($4, $5)
		ORDER BY t.term, t.contact_id LIMIT `+placeholder(args), args...)
}
