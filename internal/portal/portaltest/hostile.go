package portaltest

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Mark is in every one of the Hostile texts, and in no page of ours.
const Mark = "h0stile"

// Hostile are texts that want to be more than text, wherever a page puts them: between tags, into an attribute, an address, a script, a style, or a template.
var Hostile = []string{
	`<script>h0stile()</script>`,
	`"><img src=x onerror=h0stile()>`,
	`'><svg/onload=h0stile()><h0stile>`,
	`</textarea><script>h0stile()</script>`,
	`</title></style></pre></option></select></script><h0stile h0stile>`,
	`" autofocus onfocus="h0stile()" h0stile="`,
	`' autofocus onfocus='h0stile()' h0stile='`,
	"` onclick=`h0stile()`",
	`x onclick=h0stile() h0stile=`,
	`javascript:h0stile()`,
	`JaVa	ScRiPt&colon;h0stile()`,
	`data:text/html,<script>h0stile()</script>`,
	`//h0stile.example/`,
	`{{.h0stile}} {{printf "h0stile"}} ${h0stile} <%= h0stile %> {%h0stile%}`,
	`<!--h0stile--!> <![CDATA[h0stile]]> <?h0stile?> </>`,
	`<style>*{background:url(//h0stile.example)}</style>`,
	`;}*{background:url(//h0stile.example);--h0stile:{`,
	`<a href="javascript:h0stile()" hx-get="/h0stile" hx-trigger="load">h0stile</a>`,
	`<form id=filter action=//h0stile.example><input name=token value=h0stile>`,
	`<iframe srcdoc="<script>h0stile()</script>"></iframe><object data=//h0stile.example>`,
	`<meta http-equiv=refresh content="0;url=//h0stile.example"><base href=//h0stile.example><link rel=stylesheet href=//h0stile.example>`,
	`<svg><use href="//h0stile.example#x"/><foreignObject><h0stile/></foreignObject><animate onbegin=h0stile()></svg>`,
	`<math><mi//xlink:href="data:x,<script>h0stile()</script>">`,
	`&lt;h0stile&gt; &#60;h0stile&#62; &quot;h0stile &lt%3Bh0stile %3Ch0stile%3E \u003ch0stile\u003e \x3ch0stile`,
	"\u202eh0stile\u2066\u200f\u061c gnp.exe",
	"h0stile\u2028\u2029\u0085\ufeff\u00a0\u200b|",
	strings.Repeat(Mark, 30),
	`=cmd|' /C h0stile'!A0`,
}

// Broken are bytes that are no text: control characters, half of a character, what no encoding has.
const Broken = "h0stile \x00\x01\x1b[31m\x7f\u009b\xff\xfe\xc3( \xed\xa0\x80 \xf0\x9f"

// foul is the text as it is, and in a site of hostile people with as many of theirs behind it as limit, in bytes, has room for; 0: all of them. Blanks are not
// put into what has some already: they are refused.
func (s *Site) foul(text string, limit int) string {
	if !s.hostile {
		return text
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // never fails
	first, out := int(h.Sum32())%len(Hostile), text
	for i := range Hostile {
		more := out + " " + Hostile[(first+i)%len(Hostile)]
		if template := strings.Contains(text, "{{") && strings.Count(more, "{{") > strings.Count(out, "{{"); !template && (limit == 0 || len(more) <= limit) {
			out = more
		}
	}
	if !slices.Contains(s.Fouled, out) {
		s.Fouled = append(s.Fouled, out)
	}
	return out
}

// foulJSON is the text of a JSON document with what stands between quotes there made foul.
func (s *Site) foulJSON(document string, texts ...string) string {
	if !s.hostile {
		return document
	}
	for _, text := range texts {
		b, err := json.Marshal(s.foul(text, 900))
		if err != nil {
			panic(err) // texts can be encoded
		}
		document = strings.ReplaceAll(document, `"`+text+`"`, string(b))
	}
	return document
}

// harm has hostile people do what nobody else does in the demonstration.
func (s *Site) harm(ctx context.Context) error {
	properties, examples := make(map[string]any), make(map[string]any)
	for _, text := range Hostile {
		properties[text] = map[string]any{"type": "string", "description": text, "enum": []string{text, "x"}, "pattern": text, "format": text, "title": text}
		examples[text] = text
	}
	schema, err := json.Marshal(map[string]any{"1": map[string]any{"type": "object", "title": s.foul("Title", 0), "description": s.foul("A description", 0), "properties": properties,
		"required": Hostile[:3], "examples": []any{examples}}})
	if err != nil {
		return err
	}
	t := hookswitch.EventType{Name: "h0stile." + strings.Repeat("x", 200), GroupName: "h0stile", Description: s.foul("Something", 0), Schemas: schema}
	if _, err := s.Service.CreateEventType(ctx, t, service.Idempotency{}); err != nil {
		return err
	}
	s.Names["hostiletype"] = t.Name
	payloads := []service.Publish{
		{Type: t.Name, Payload: schema, UID: "h0stile-uid", Tags: []string{"h0stile:" + strings.Repeat("x", 100)}, Labels: []string{"h0stile"}},
		{Type: t.Name, Payload: []byte(strings.Join(Hostile, "\n") + Broken), ContentType: "text/html; charset=utf-7"},
		{Type: t.Name, Payload: []byte(`{"` + Mark + `": ` + strings.Repeat(`[{"x":`, 60) + `"<script>h0stile()</script>"` + strings.Repeat(`}]`, 60) + `}`)},
	}
	for i, publish := range payloads {
		ev, err := s.Service.PublishEvent(ctx, s.App, publish, service.Idempotency{})
		if err != nil {
			return err
		}
		s.Names["hostile"+string(rune('a'+i))] = s.Service.IDs().Format(hookswitch.KindEvent, ev.Key)
	}
	return s.harmBin(ctx)
}

// harmBin sends to a bin what a browser would never send.
func (s *Site) harmBin(ctx context.Context) error {
	const boundary = "h0stile"
	var form strings.Builder
	for _, text := range append(Hostile, Broken) {
		form.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + text + "\"; filename=\"" + text + ".html\"\r\nContent-Type: text/html\r\n\r\n" + text + "\r\n")
	}
	bodies := []struct{ kind, body string }{
		{"text/html", strings.Join(Hostile, "\n") + Broken},
		{"multipart/form-data; boundary=" + boundary, form.String() + "--" + boundary + "--\r\n"},
		{"application/x-www-form-urlencoded", "h0stile=" + strings.Join(Hostile, "&") + "&%3Ch0stile%3E=%22%3E%3Ch0stile%3E"},
		{"application/json", `{"type":"` + strings.ReplaceAll(Hostile[0], `"`, `\"`) + `","event":"h0stile"}`},
		{Hostile[1], `<?xml version="1.0"?><h0stile/>`},
	}
	for _, b := range bodies {
		q := &store.BinRequest{Token: s.Names["bin"], Method: http.MethodPost, URI: "/play/in/" + s.Names["bin"] + `/<h0stile>/"onclick=h0stile()/?` + strings.Join(Hostile, "&"), Remote: "198.51.100.66:6666",
			Headers: []store.HeaderLine{{Name: "Content-Type", Value: b.kind}, {Name: "X-'h0stile`", Value: strings.Join(Hostile, " ")}, {Name: "User-Agent", Value: Broken}}, Body: []byte(b.body), Size: int64(len(b.body))}
		if err := s.Service.AddBinRequest(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
