// Package doctor finds out why the signature of a webhook does not fit, by trying what goes wrong in practice: secrets used in the wrong form, bodies that were written anew, other ids,
// times in other units, digests in other forms, and what proxies do to URLs.
//
// It computes and compares, and does nothing else: nothing is sent or kept. The script doctor.js of the pages does the same in the browser, and both are held to the vectors of testdata.
package doctor

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Input is what a receiver saw, and the secrets it may have been signed with.
type Input struct {
	// Headers are names and values.
	Headers [][2]string `json:"headers"`
	// URL is what the receiver takes its address for; it matters to Twilio alone.
	URL  string `json:"url,omitempty"`
	Body string `json:"body"`
	// Secret is the one that the check uses, Old are earlier ones, Others those of other endpoints.
	Secret string   `json:"secret"`
	Old    []string `json:"old,omitempty"`
	Others []string `json:"others,omitempty"`
	// Computed is the signature that the receiver's code comes to; "": nobody has told.
	Computed string `json:"computed,omitempty"`
	// Sent is the body as it was sent, where that is known.
	Sent string `json:"sent,omitempty"`
	// IDs and Hosts are others that may have been meant.
	IDs   []string `json:"ids,omitempty"`
	Hosts []string `json:"hosts,omitempty"`
	// Now is the time in unix seconds.
	Now int64 `json:"now"`
}

// Finding is one thing that was found out. With are the values of its sentence.
type Finding struct {
	Code string            `json:"code"`
	With map[string]string `json:"with,omitempty"`
}

// Report is what came of it.
type Report struct {
	// Scheme is standard, zavu, twilio, meta, or "" where no signature was found.
	Scheme string `json:"scheme"`
	// Valid says that the signature fits as it should, and that its time is near enough.
	Valid    bool      `json:"valid"`
	Findings []Finding `json:"findings"`
	// Computed is what the receiver's code does, where its signature was given.
	Computed []Finding `json:"computed,omitempty"`
}

//go:embed words.json
var wordsFile []byte

// Words are the sentences of findings: what is, and what to do.
type Words map[string][2]string

var words = func() (w Words) {
	if err := json.Unmarshal(wordsFile, &w); err != nil {
		panic(err) // it is part of the program
	}
	return w
}()

// WordsJSON is the sentences, for the script.
func WordsJSON() string { return string(wordsFile) }

// Say is the finding in words: what is, and what to do about it.
func (f Finding) Say() (what, advice string) {
	w := words[f.Code]
	for name, value := range f.With {
		w[0], w[1] = strings.ReplaceAll(w[0], "{"+name+"}", value), strings.ReplaceAll(w[1], "{"+name+"}", value)
	}
	return w[0], w[1]
}

// option is one way in which a part of the signed text or its key may have been meant, and what is said when that fits.
type option struct {
	value string
	found []Finding
}

// part is one part of what is tried; the first option is as it should be.
type part []option

func (p *part) add(value string, found ...Finding) {
	if !slices.ContainsFunc(*p, func(o option) bool { return o.value == value }) {
		*p = append(*p, option{value, found})
	}
}

// token is one signature, decoded, and what is to be said of its form.
type token struct {
	sum   []byte
	found []Finding
	label string // v1, v1a, v2 …
}

// trial is a whole way of coming to a signature.
type trial struct {
	parts  []part
	join   func(pick []string) (key, text string)
	right  int // length of the digest that the scheme uses
	levels int // how many parts may differ at once
}

// maxTrials bounds the digests of one search.
const maxTrials = 20000

// search goes through the options, those with the fewest differences first, until one fits a token.
func (t *trial) search(tokens []token) (found []Finding, tok *token, ok bool) {
	left := maxTrials
	pick := make([]int, len(t.parts))
	values := make([]string, len(t.parts))
	try := func() bool {
		if left--; left < 0 {
			return false
		}
		for i, at := range pick {
			values[i] = t.parts[i][at].value
		}
		key, text := t.join(values)
		for i := range tokens {
			if fits(key, text, tokens[i]) {
				tok = &tokens[i]
				for j, at := range pick {
					found = append(found, t.parts[j][at].found...)
				}
				return true
			}
		}
		return false
	}
	var walk func(from, differ int) bool
	walk = func(from, differ int) bool {
		if differ == 0 {
			return try()
		}
		for i := from; i <= len(t.parts)-differ; i++ {
			for at := 1; at < len(t.parts[i]); at++ {
				pick[i] = at
				if walk(i+1, differ-1) {
					return true
				}
			}
			pick[i] = 0
		}
		return false
	}
	for level := 0; level <= t.levels && left > 0; level++ {
		if walk(0, level) {
			return found, tok, true
		}
	}
	return nil, nil, false
}

// says are the findings of a token that fits.
func (t *trial) says(tok *token) []Finding {
	found := slices.Clone(tok.found)
	if n := len(tok.sum); n != t.right && tok.label != "v1a" {
		found = append(found, Finding{Code: "digest-" + hashNames[n]})
	}
	return found
}

func one(code string, pairs ...string) Finding {
	f := Finding{Code: code}
	for i := 0; i+1 < len(pairs); i += 2 {
		if f.With == nil {
			f.With = make(map[string]string)
		}
		f.With[pairs[i]] = pairs[i+1]
	}
	return f
}

// headers are the input's by name: lower case, and as frameworks rename them set right.
type headers [][2]string

func (in *Input) named() headers {
	var h headers
	for _, f := range in.Headers {
		name := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(f[0])), "_", "-")
		h = append(h, [2]string{strings.TrimPrefix(name, "http-"), strings.TrimSpace(f[1])})
	}
	return h
}

func (h headers) get(name string) string {
	for _, f := range h {
		if f[0] == name {
			return f[1]
		}
	}
	return ""
}

var standardValue = regexp.MustCompile(`^v1a?,[A-Za-z0-9+/_=-]{20,}`)

// Examine tries.
func Examine(in Input) Report {
	h := in.named()
	switch {
	case h.get("x-zavu-signature") != "":
		return in.zavu(h)
	case h.get("x-twilio-signature") != "":
		return in.twilio(h)
	case h.get("x-hub-signature-256") != "", h.get("x-hub-signature") != "":
		return in.meta(h)
	}
	return in.standard(h)
}

// report closes a search.
func (in *Input) report(scheme string, t *trial, tokens []token, early []Finding, late func(*token) []Finding) Report {
	r := Report{Scheme: scheme, Findings: early}
	switch in.Body {
	case "":
		if in.Sent != "" || scheme != "twilio" {
			r.Findings = append(r.Findings, one("body-empty"))
		}
	case "[object Object]":
		r.Findings = append(r.Findings, one("body-object"))
	}
	if in.Secret == "" && len(in.Old)+len(in.Others) == 0 {
		r.Findings = append(r.Findings, one("secret-missing"))
		return r
	}
	found, tok, ok := t.search(tokens)
	if !ok {
		r.Findings = append(r.Findings, one("nothing-fits"))
	} else {
		found = append(found, t.says(tok)...)
		r.Findings = append(r.Findings, found...)
		if late != nil {
			r.Findings = append(r.Findings, late(tok)...)
		}
	}
	r.Valid = ok && !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code != "several" && f.Code != "v1-body" })
	if r.Valid {
		r.Findings = append([]Finding{one("fits")}, r.Findings...)
	}
	if c := strings.TrimSpace(in.Computed); c != "" {
		mine := decodeToken(strings.TrimSpace(c), "")
		found, tok, ok := t.search(mine)
		switch {
		case !ok:
			r.Computed = []Finding{one("computed-unknown")}
		case len(found)+len(t.says(tok)) == 0:
			r.Computed = []Finding{one("computed-right")}
		default:
			r.Computed = append(found, t.says(tok)...)
		}
	}
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	return r
}

// Tolerances of the clocks, in seconds.
const (
	standardTolerance = 300
	zavuAhead         = 60
)

func clock(seconds string, now, ahead int64) (found []Finding) {
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil
	}
	switch age := now - at; {
	case age > standardTolerance:
		return []Finding{one("clock-behind", "seconds", strconv.FormatInt(age, 10))}
	case age < -ahead:
		return []Finding{one("clock-ahead", "seconds", strconv.FormatInt(-age, 10))}
	}
	return nil
}

var digits = regexp.MustCompile(`^[0-9]{1,18}$`)

// timeOptions are a time as it stands and in other units. seconds is what it stands for.
func timeOptions(text string) (p part, seconds string, found []Finding) {
	p.add(text)
	seconds = text
	switch {
	case !digits.MatchString(text):
		return p, "", []Finding{one("time-not-number")}
	case len(text) == 13:
		seconds = text[:10]
		p.add(seconds, one("time-milliseconds"))
	case len(text) == 10:
		p.add(text+"000", one("time-signed-milliseconds"))
	}
	return p, seconds, nil
}

// nearTimes are the seconds around a time, for a last try: the time of another attempt.
func nearTimes(seconds string) (p part) {
	const around = 900
	at, err := strconv.ParseInt(seconds, 10, 64)
	p.add(seconds)
	if err != nil {
		return p
	}
	for d := int64(1); d <= around; d++ {
		for _, off := range []int64{d, -d} {
			p.add(strconv.FormatInt(at+off, 10), one("time-other", "seconds", strconv.FormatInt(d, 10), "when", map[bool]string{true: "later", false: "earlier"}[off > 0]))
		}
	}
	return p
}
