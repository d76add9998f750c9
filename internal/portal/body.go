package portal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/internal/store"
)

// The ways of showing a body.
const (
	viewTree = "tree"
	viewForm = "form"
	viewRaw  = "raw"
	viewHex  = "hex"
)

// Bounds of what is drawn; what is larger is shown raw, or from its start.
const (
	maxNodes = 3000
	maxDepth = 64
	maxHex   = 16 << 10
)

// bodyView is a body, shown in one of the ways that suit it.
type bodyView struct {
	Empty bool
	View  string
	Views []string // the ways that suit it
	Tree  *node
	Form  []pair
	Text  string
	Hex   string
	Note  string // what is left out
}

func newBodyView(q *store.BinRequest, kind, view string) bodyView {
	v := bodyView{Empty: q.Size == 0}
	if v.Empty {
		return v
	}
	if q.Size > int64(len(q.Body)) {
		v.Note = "The body has " + lengthOf(q.Size) + "; the first " + lengthOf(int64(len(q.Body))) + " are kept."
	}
	text := isText(q.Body)
	if text {
		if v.Tree = parseTree(q.Body); v.Tree != nil {
			v.Views = append(v.Views, viewTree)
		}
		if kind == "application/x-www-form-urlencoded" {
			v.Form = pairsOf(string(q.Body))
			v.Views = append(v.Views, viewForm)
		}
		v.Views = append(v.Views, viewRaw)
	}
	v.Views = append(v.Views, viewHex)
	v.View = v.Views[0]
	if slices.Contains(v.Views, view) {
		v.View = view
	}
	switch v.View {
	case viewRaw:
		v.Text = string(q.Body)
	case viewHex:
		shown := q.Body[:min(len(q.Body), maxHex)]
		v.Hex = hex.Dump(shown)
		if len(shown) < len(q.Body) {
			v.Note = "The first " + lengthOf(maxHex) + " of " + lengthOf(q.Size) + " are shown."
		}
	}
	return v
}

// isText reports whether a body, the end of which may be cut off, is text that a browser shows as it is.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 && (len(b) >= utf8.UTFMax || utf8.FullRune(b)) {
			return false
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return false
		}
		b = b[size:]
	}
	return true
}

// node is one value of a JSON text.
type node struct {
	Kind     string // object, array, string, number, word
	Name     string
	Named    bool
	Text     string // of a value that has no members, as JSON writes it
	Children []*node
	Last     bool // no comma follows
}

// Open and Close are the brackets.
func (n *node) Open() string {
	if n.Kind == "object" {
		return "{"
	}
	return "["
}

// Close is the bracket at the end.
func (n *node) Close() string {
	if n.Kind == "object" {
		return "}"
	}
	return "]"
}

// Count says how many members there are.
func (n *node) Count() int { return len(n.Children) }

// parseTree is a JSON text as a tree, with its members in their order and its numbers as they are written, or nil for what is no JSON object or list,
// or too large to draw.
func parseTree(b []byte) *node {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || b[0] != '{' && b[0] != '[' || !json.Valid(b) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	p := &treeParser{dec: dec}
	n := p.value(0)
	if p.failed {
		return nil
	}
	n.Last = true
	return n
}

type treeParser struct {
	dec    *json.Decoder
	nodes  int
	failed bool
}

func (p *treeParser) value(depth int) *node {
	n := new(node)
	token, err := p.dec.Token()
	p.nodes++
	if err != nil || p.nodes > maxNodes || depth > maxDepth {
		p.failed = true
		return n
	}
	delim, ok := token.(json.Delim)
	if !ok {
		n.Kind, n.Text = scalar(token)
		return n
	}
	n.Kind = "object"
	if delim == '[' {
		n.Kind = "array"
	}
	for !p.failed && p.dec.More() {
		name, named := "", false
		if delim == '{' {
			token, err := p.dec.Token()
			if err != nil {
				p.failed = true
				return n
			}
			name, named = token.(string)
		}
		child := p.value(depth + 1)
		child.Name, child.Named = quoted(name), named
		n.Children = append(n.Children, child)
	}
	if !p.failed {
		_, err := p.dec.Token() // the closing bracket
		p.failed = err != nil
	}
	if len(n.Children) > 0 {
		n.Children[len(n.Children)-1].Last = true
	}
	return n
}

func scalar(token json.Token) (kind, text string) {
	switch v := token.(type) {
	case string:
		return "string", quoted(v)
	case json.Number:
		return "number", v.String()
	case bool:
		if v {
			return "word", "true"
		}
		return "word", "false"
	}
	return "word", "null"
}

// quoted writes a text as JSON does, and nothing escaped that need not be.
func quoted(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text can always be encoded
	return strings.TrimSuffix(b.String(), "\n")
}
