package doctor

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// standard examines Standard Webhooks: id.timestamp.body, HMAC-SHA256 in base64, whatever the names of the three headers begin with.
func (in *Input) standard(h headers) Report {
	var early []Finding
	prefix, signature := "", ""
	for _, p := range []string{"svix", "webhook"} {
		if h.get(p+"-signature") != "" {
			prefix, signature = p, h.get(p+"-signature")
			break
		}
	}
	for _, f := range h {
		if p, ok := strings.CutSuffix(f[0], "-signature"); prefix == "" && ok && h.get(p+"-id") != "" && h.get(p+"-timestamp") != "" {
			prefix, signature = p, f[1]
		}
	}
	if prefix == "" {
		for _, f := range h {
			if standardValue.MatchString(f[1]) {
				prefix, signature = "svix", f[1]
				if p, ok := strings.CutSuffix(f[0], "-signature"); ok && (h.get(p+"-id") != "" || h.get(p+"-timestamp") != "") {
					prefix = p
				}
				early = append(early, one("wrong-header", "header", f[0]))
				break
			}
		}
	}
	if prefix == "" {
		return Report{Findings: []Finding{one("header-missing", "header", "svix-signature")}}
	}
	id, at := h.get(prefix+"-id"), h.get(prefix+"-timestamp")
	for _, p := range []string{"svix", "webhook"} {
		if id == "" {
			id = h.get(p + "-id")
		}
		if at == "" {
			at = h.get(p + "-timestamp")
		}
	}
	if id == "" {
		early = append(early, one("header-missing", "header", prefix+"-id"))
	}
	if at == "" {
		early = append(early, one("header-missing", "header", prefix+"-timestamp"))
	}
	if strings.Contains(id, ".") {
		early = append(early, one("id-full-stop"))
	}
	var ids part
	ids.add(id)
	for _, other := range append([]string{h.get("svix-id"), h.get("webhook-id")}, in.IDs...) {
		if other != "" {
			ids.add(other, one("id-other", "id", other))
		}
	}
	times, seconds, wrong := timeOptions(at)
	if at != "" {
		early = append(early, wrong...)
	}
	tokens, notes := standardTokens(signature)
	early = append(early, notes...)
	var forms part
	forms.add("id.time.body")
	forms.add("time.body", one("text-no-id"))
	forms.add("body", one("text-body-only"))
	forms.add("idtimebody", one("text-no-dots"))
	t := &trial{parts: []part{in.keysOf(true), in.bodiesOf(), ids, times, forms}, right: sha256.Size, join: func(v []string) (string, string) {
		switch v[4] {
		case "time.body":
			return v[0], v[3] + "." + v[1]
		case "body":
			return v[0], v[1]
		case "idtimebody":
			return v[0], v[2] + v[3] + v[1]
		}
		return v[0], v[2] + "." + v[3] + "." + v[1]
	}}
	t.depth(1)
	in.elsewhen(t, 3, seconds, tokens)
	for _, f := range t.parts[0][0].found {
		if f.Code == "secret-not-base64" {
			early = append(early, f)
		}
	}
	if !hasKind(tokens, t.parts[0][0].value) && len(tokens) > 0 {
		early = append(early, one("version", "versions", labels(tokens)))
	}
	return in.report("standard", t, tokens, append(early, clock(seconds, in.Now, standardTolerance)...), several(tokens))
}

// depth sets how many parts may differ at once: fewer where there are many bodies.
func (t *trial) depth(bodies int) {
	t.levels = 3
	if len(t.parts[bodies]) > 40 {
		t.levels = 2
	}
}

// elsewhen lets the time be another one, when nothing else fits.
func (in *Input) elsewhen(t *trial, at int, seconds string, tokens []token) {
	if _, _, ok := t.search(tokens); ok || seconds == "" {
		return
	}
	near := *t
	near.parts, near.levels = slices.Clone(t.parts), 1
	near.parts[at] = nearTimes(seconds)
	if _, _, ok := near.search(tokens); ok {
		*t = near
	}
}

func hasKind(tokens []token, key string) bool {
	return slices.ContainsFunc(tokens, func(t token) bool { return (t.label == "v1a") == strings.HasPrefix(key, edKey) })
}

func labels(tokens []token) string {
	var list []string
	for _, t := range tokens {
		list = append(list, t.label)
	}
	return strings.Join(list, ", ")
}

// several says which of several signatures fits, where it is not the first.
func several(tokens []token) func(*token) []Finding {
	return func(fit *token) []Finding {
		for i := range tokens {
			if &tokens[i] == fit && i > 0 {
				return []Finding{one("several", "number", itoa(i+1), "count", itoa(len(tokens)))}
			}
		}
		return nil
	}
}

// standardTokens are the signatures of the header.
func standardTokens(header string) (tokens []token, found []Finding) {
	for _, word := range strings.Fields(header) {
		label, value, ok := strings.Cut(word, ",")
		if !ok {
			label, value = "v1", word
			found = append(found, one("version-missing"))
		}
		list := decodeToken(value, "base64")
		if len(list) == 0 {
			found = append(found, one("digest-unreadable"))
		}
		for _, t := range list {
			t.label = label
			tokens = append(tokens, t)
		}
	}
	return tokens, found
}

// zavu examines t=…,v1=…,v2=…: time.body, or for v1 the body alone, HMAC-SHA256 in hex, and the whole text of the secret as the key.
func (in *Input) zavu(h headers) Report {
	var early []Finding
	at := ""
	var tokens []token
	for field := range strings.SplitSeq(h.get("x-zavu-signature"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if name == "t" {
			at = value
			continue
		}
		list := decodeToken(value, "hex")
		if len(list) == 0 {
			early = append(early, one("digest-unreadable"))
		}
		for _, t := range list {
			t.label = name
			tokens = append(tokens, t)
		}
	}
	slices.SortStableFunc(tokens, func(a, b token) int { return strings.Compare(b.label, a.label) }) // v2 counts where it is
	if at == "" {
		early = append(early, one("time-missing"))
	}
	times, seconds, wrong := timeOptions(at)
	if at != "" {
		early = append(early, wrong...)
	}
	alone := len(tokens) == 1 && tokens[0].label == "v1"
	var forms part
	forms.add("time.body")
	if alone {
		forms.add("body", one("v1-body"))
	} else {
		forms.add("body", one("text-body-only"))
	}
	forms.add("timebody", one("text-no-dots"))
	t := &trial{parts: []part{in.keysOf(false), in.bodiesOf(), times, forms}, right: sha256.Size, join: func(v []string) (string, string) {
		switch v[3] {
		case "body":
			return v[0], v[1]
		case "timebody":
			return v[0], v[2] + v[1]
		}
		return v[0], v[2] + "." + v[1]
	}}
	t.depth(1)
	in.elsewhen(t, 2, seconds, tokens)
	return in.report("zavu", t, tokens, append(early, clock(seconds, in.Now, zavuAhead)...), nil)
}

// meta examines sha256=…: the body, in hex, with the text of the app's secret as the key.
func (in *Input) meta(h headers) Report {
	var early []Finding
	value := h.get("x-hub-signature-256")
	if value == "" {
		value = h.get("x-hub-signature")
		early = append(early, one("meta-sha1"))
	}
	algorithm, digest, ok := strings.Cut(value, "=")
	if !ok || algorithm != "sha256" && algorithm != "sha1" {
		early, digest = append(early, one("meta-prefix")), value
	}
	tokens := decodeToken(digest, "hex")
	if len(tokens) == 0 {
		early = append(early, one("digest-unreadable"))
	}
	bodies := in.bodiesOf()
	for i := range bodies {
		for j, f := range bodies[i].found {
			if f.Code == "body-unescaped" {
				bodies[i].found[j] = one("meta-unescaped")
			}
		}
	}
	right := sha256.Size
	if len(tokens) == 1 && len(early) > 0 && early[0].Code == "meta-sha1" {
		right = len(tokens[0].sum) // it has been said
	}
	t := &trial{parts: []part{in.keysOf(false), bodies}, right: right, levels: 2, join: func(v []string) (string, string) { return v[0], v[1] }}
	return in.report("meta", t, tokens, early, nil)
}

var hexHash = regexp.MustCompile(`(?i)[?&]bodySHA256=([0-9a-f]{64})`)

// twilio examines X-Twilio-Signature: the URL that Twilio called, and the parameters of the form by name, HMAC-SHA1 in base64.
func (in *Input) twilio(h headers) Report {
	var early []Finding
	tokens := decodeToken(h.get("x-twilio-signature"), "base64")
	if len(tokens) == 0 {
		early = append(early, one("digest-unreadable"))
	}
	u, err := url.Parse(strings.TrimSpace(in.URL))
	if err != nil || u.Host == "" {
		return Report{Scheme: "twilio", Findings: append(early, one("url-missing"))}
	}
	var schemes, hosts, ports, slashes, queries, params part
	scheme := strings.ToLower(u.Scheme)
	schemes.add(scheme)
	schemes.add(map[string]string{"http": "https", "https": "http"}[scheme], one("url-scheme", "scheme", map[string]string{"http": "https", "https": "http"}[scheme]))
	hosts.add(u.Hostname())
	for _, host := range append(strings.Split(h.get("x-forwarded-host"), ","), append([]string{h.get("host")}, in.Hosts...)...) {
		name, _, _ := strings.Cut(strings.TrimSpace(host), ":")
		if name != "" {
			hosts.add(name, one("url-host", "host", name))
		}
	}
	port := ""
	if u.Port() != "" {
		port = ":" + u.Port()
	}
	ports.add(port)
	for _, other := range []string{"", ":443", ":80"} {
		ports.add(other, one("url-port", "port", map[bool]string{true: "no port", false: "port " + strings.TrimPrefix(other, ":")}[other == ""]))
	}
	path := u.EscapedPath()
	slashes.add(path)
	if bare := strings.TrimRight(path, "/"); bare != path {
		slashes.add(bare, one("url-slash", "what", "without a slash at the end"))
	} else {
		slashes.add(path+"/", one("url-slash", "what", "with a slash at the end"))
	}
	query := ""
	if u.RawQuery != "" || u.ForceQuery {
		query = "?" + u.RawQuery
	}
	queries.add(query)
	if query != "" {
		queries.add("", one("url-query-added"))
		fields := strings.Split(u.RawQuery, "&")
		slices.Sort(fields)
		queries.add("?"+strings.Join(fields, "&"), one("url-query-order"))
		order := make([]int, len(fields))
		for i := range order {
			order[i] = i
		}
		if len(order) <= maxPermuted {
			permute(order, 0, func() {
				var list []string
				for _, i := range order {
					list = append(list, fields[i])
				}
				queries.add("?"+strings.Join(list, "&"), one("url-query-order"))
			})
		}
		if d, err := url.PathUnescape(query); err == nil {
			queries.add(d, one("url-query-decoded"))
		}
	}
	if m := hexHash.FindStringSubmatch(query); m != nil {
		params.add("")
		sum := sha256.Sum256([]byte(in.Body))
		if hex.EncodeToString(sum[:]) != strings.ToLower(m[1]) {
			early = append(early, one("twilio-body-hash"))
		}
	} else {
		formOptions(&params, in.Body)
	}
	t := &trial{parts: []part{in.keysOf(false), schemes, hosts, ports, slashes, queries, params}, right: 20, levels: 4, join: func(v []string) (string, string) {
		return v[0], v[1] + "://" + v[2] + v[3] + v[4] + v[5] + v[6]
	}}
	return in.report("twilio", t, tokens, early, nil)
}

// formOptions are the parameters of a form as Twilio signs them, and as code gets them wrong.
func formOptions(p *part, body string) {
	type field struct{ name, value string }
	var arrived, raw, filled []field
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		raw = append(raw, field{name, value})
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			n, v = name, value
		}
		arrived = append(arrived, field{n, v})
		if v != "" {
			filled = append(filled, field{n, v})
		}
	}
	join := func(list []field) string {
		var b strings.Builder
		for _, f := range list {
			b.WriteString(f.name + f.value)
		}
		return b.String()
	}
	sorted := func(list []field) []field {
		list = slices.Clone(list)
		slices.SortStableFunc(list, func(a, b field) int {
			if a.name != b.name {
				return strings.Compare(a.name, b.name)
			}
			return strings.Compare(a.value, b.value)
		})
		return list
	}
	p.add(join(slices.Compact(sorted(arrived))))
	p.add(join(arrived), one("form-order"))
	p.add(join(sorted(filled)), one("form-blank"))
	p.add(join(sorted(raw)), one("form-encoded"))
	p.add("", one("form-left-out"))
	p.add(body, one("form-raw"))
}
