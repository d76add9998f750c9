package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/store"
)

var playCompareRoutes = []route{
	{in: open, method: "GET", path: "/play/{token}/compare", name: "Two requests beside each other", handle: onPlay((*play).compare),
		samples: []string{"/play/{bin}/compare?request={binone}&request={bintwo}", "/play/{bin}/compare"}},
}

// difference is one line of two texts beside each other.
type difference struct {
	Sign string // "+", "−" or " "
	Tone string
	Text string
}

// comparePage shows what two requests differ in.
type comparePage struct {
	*binHead
	A, B  row
	Parts []comparedPart
	Same  bool
	Blank *ui.Blank
}

type comparedPart struct {
	Name    string
	Same    bool
	Note    string
	Lines   []difference
	Changed int
}

func (pl *play) compare(v *view) error {
	h, err := pl.open(v)
	if err != nil {
		if errors.Is(err, errLocked) {
			return pl.showLocked(v, http.StatusOK, "")
		}
		return err
	}
	v.Shell.Title = "Two requests"
	ids := v.r.URL.Query()["request"]
	if len(ids) != 2 {
		page := &comparePage{binHead: h, Blank: &ui.Blank{Kind: "nomatch", Title: "Choose two requests", Text: "Tick two requests in the list, then compare them. " + strconv.Itoa(len(ids)) + " came with this address.",
			Links: []ui.Action{{Name: "To the requests", URL: h.Path, Look: "primary"}}}}
		return v.show("play/compare", page)
	}
	var two [2]*store.BinRequest
	for i, id := range ids {
		key, ok := parseKey(id)
		if !ok {
			return noSuchRequest()
		}
		if two[i], err = pl.svc.BinRequest(v.ctx(), h.Token, key); hookswitch.KindOf(err) == hookswitch.NotFound {
			return noSuchRequest()
		}
		if err != nil {
			return err
		}
	}
	if two[0].Key > two[1].Key {
		two[0], two[1] = two[1], two[0]
	}
	j := newJudge(h.bin.Secrets)
	page := &comparePage{binHead: h, A: newRow(two[0], j), B: newRow(two[1], j), Same: true}
	for _, part := range []struct {
		name string
		text func(*store.BinRequest) (string, bool)
	}{
		{"Request line", func(q *store.BinRequest) (string, bool) { return q.Method + " " + suffixOf(q), true }},
		{"Headers", func(q *store.BinRequest) (string, bool) {
			var b strings.Builder
			for _, line := range q.Headers {
				b.WriteString(line.Name + ": " + line.Value + "\n")
			}
			return b.String(), true
		}},
		{"Body", func(q *store.BinRequest) (string, bool) {
			var b bytes.Buffer
			if json.Indent(&b, q.Body, "", "  ") == nil {
				return b.String(), true
			}
			return string(q.Body), isText(q.Body)
		}},
	} {
		a, okA := part.text(two[0])
		b, okB := part.text(two[1])
		p := comparedPart{Name: part.name, Same: a == b}
		switch {
		case part.name == "Body" && bytes.Equal(two[0].Body, two[1].Body):
			p.Same = true
		case part.name == "Body" && a == b:
			p.Same, p.Note = false, "They say the same, and are not the same bytes: white space differs, which a signature notices."
		case !okA || !okB:
			p.Note = "They differ, and are not text."
		case !p.Same:
			p.Lines = differences(strings.Split(strings.TrimSuffix(a, "\n"), "\n"), strings.Split(strings.TrimSuffix(b, "\n"), "\n"))
		}
		page.Same = page.Same && p.Same
		page.Parts = append(page.Parts, p)
	}
	return v.show("play/compare", page)
}

// maxDiffLines bounds what is compared line by line.
const maxDiffLines = 1500

// differences are two texts line by line, by their longest common part.
func differences(a, b []string) []difference {
	out := []difference{}
	add := func(sign, tone, text string) { out = append(out, difference{sign, tone, text}) }
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		add(" ", "same", a[0])
		a, b = a[1:], b[1:]
	}
	if len(a) > maxDiffLines || len(b) > maxDiffLines {
		for _, line := range a[:min(len(a), maxDiffLines)] {
			add("−", "gone", line)
		}
		for _, line := range b[:min(len(b), maxDiffLines)] {
			add("+", "come", line)
		}
		return out
	}
	longest := make([][]int32, len(a)+1)
	for i := range longest {
		longest[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for k := len(b) - 1; k >= 0; k-- {
			if a[i] == b[k] {
				longest[i][k] = longest[i+1][k+1] + 1
			} else {
				longest[i][k] = max(longest[i+1][k], longest[i][k+1])
			}
		}
	}
	i, k := 0, 0
	for i < len(a) || k < len(b) {
		switch {
		case i < len(a) && k < len(b) && a[i] == b[k]:
			add(" ", "same", a[i])
			i, k = i+1, k+1
		case k == len(b) || i < len(a) && longest[i+1][k] >= longest[i][k+1]:
			add("−", "gone", a[i])
			i++
		default:
			add("+", "come", b[k])
			k++
		}
	}
	return out
}
