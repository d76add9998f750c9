package portal

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// conditions are those of the list of requests.
type conditions struct{ text, method, verdict, pinned, forwarded string }

func conditionsOf(values url.Values) conditions {
	text, _ := fewWords(values.Get("q"))
	return conditions{strings.ToLower(text), strings.ToUpper(values.Get("method")), values.Get("verdict"), values.Get("pinned"), values.Get("forwarded")}
}

// fewWords are the first words of a search, which is as many as each request is searched for. more: there were more.
func fewWords(text string) (few string, more bool) {
	words := strings.Fields(text)
	if more = len(words) > filter.MaxTerms; more {
		words = words[:filter.MaxTerms]
	}
	return strings.Join(words, " "), more
}

func (v *view) conditions() conditions { return conditionsOf(v.r.URL.Query()) }

// pairs are the conditions as a form carries them.
func (c conditions) pairs() (list []pair) {
	for _, p := range []pair{{"q", c.text}, {"method", c.method}, {"verdict", c.verdict}, {"pinned", c.pinned}, {"forwarded", c.forwarded}} {
		if p.Value != "" {
			list = append(list, p)
		}
	}
	return list
}

// match reports whether a request meets the conditions. Words are looked for in method, path, headers and body, and all of them have to be there.
func (c conditions) match(q *store.BinRequest, j *judge) bool {
	if c.method != "" && q.Method != c.method || c.pinned == "yes" && !q.Pinned || c.verdict != "" && string(j.verdict(q).State) != c.verdict {
		return false
	}
	if f := newForwarded(q.Relayed, true); c.forwarded != "" && (f == nil || string(f.State) != c.forwarded) {
		return false
	}
	if c.text == "" {
		return true
	}
	var b strings.Builder
	b.WriteString(q.Method + " " + suffixOf(q) + "\n")
	for _, h := range q.Headers {
		b.WriteString(h.Name + ": " + h.Value + "\n")
	}
	b.Write(q.Body)
	text := strings.ToLower(b.String())
	for word := range strings.FieldsSeq(c.text) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// search looks at everything that a bin holds, as SearchBinRequests does, for so many at a time.
func (pl *play) search(ctx context.Context, token string, before hookswitch.Key, limit int, match func(*store.BinRequest) bool) ([]*store.BinRequest, error) {
	leave, ok := pl.searches.take(token)
	if !ok {
		return nil, &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "Too many bins are being searched at this moment. Try again in a few seconds.", RetryAfter: 5 * time.Second}
	}
	defer leave()
	return pl.svc.SearchBinRequests(ctx, token, before, limit, match)
}

// choice are requests that are to be sent on.
type choice struct {
	list []*store.BinRequest // the oldest first; of many the first ones alone
	keys []hookswitch.Key    // of all of them, the oldest first
	all  bool                // they are those that meet the conditions, rather than named ones
	c    conditions
}

// chosenRequests are those that the form or the query names, or all that meet the conditions; without any the newest.
func (pl *play) chosenRequests(h *binHead, values url.Values) (*choice, error) {
	ch := &choice{all: values.Get("all") != "", c: conditionsOf(values)}
	if ch.all {
		j := newJudge(h.bin.Secrets)
		if _, err := pl.search(h.ctx(), h.Token, 0, 1, func(q *store.BinRequest) bool {
			if ch.c.match(q, j) {
				ch.keys = append(ch.keys, q.Key)
				if ch.list = append(ch.list, q); len(ch.list) > maxSent {
					ch.list = slices.Delete(ch.list, 0, 1) // the oldest are sent first, and shown
				}
			}
			return false // it goes through all of them
		}); err != nil {
			return nil, err
		}
		slices.Reverse(ch.list)
		slices.Reverse(ch.keys)
		return ch, nil
	}
	for _, id := range values["request"] {
		key, ok := parseKey(id)
		if !ok {
			return nil, noSuchRequest()
		}
		if slices.Contains(ch.keys, key) {
			continue
		}
		q, err := pl.svc.BinRequest(h.ctx(), h.Token, key)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return nil, noSuchRequest()
		}
		if err != nil {
			return nil, err
		}
		ch.list, ch.keys = append(ch.list, q), append(ch.keys, key)
		if len(ch.list) == maxSent {
			break
		}
	}
	if len(ch.list) == 0 {
		newest, err := pl.svc.BinRequests(h.ctx(), h.Token, store.Page{Limit: 1})
		if err != nil {
			return nil, err
		}
		for _, q := range newest {
			ch.list, ch.keys = append(ch.list, q), append(ch.keys, q.Key)
		}
	}
	slices.Sort(ch.keys)
	slices.SortFunc(ch.list, func(a, b *store.BinRequest) int { return cmp.Compare(a.Key, b.Key) })
	return ch, nil
}

// selected is the request of the id, or the newest on the page without one.
func (pl *play) selected(ctx context.Context, token, id string, list []*store.BinRequest) (*store.BinRequest, error) {
	if id == "" {
		if len(list) == 0 {
			return nil, nil
		}
		return list[0], nil
	}
	key, ok := parseKey(id)
	if !ok {
		return nil, noSuchRequest()
	}
	if i := slices.IndexFunc(list, func(q *store.BinRequest) bool { return q.Key == key }); i >= 0 {
		return list[i], nil
	}
	found, err := pl.svc.BinRequest(ctx, token, key)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, noSuchRequest()
	}
	return found, err
}

func noSuchRequest() error {
	return hookswitch.NotFoundf("The bin does not hold this request. A bin keeps the newest %d.", service.BinRequests)
}
