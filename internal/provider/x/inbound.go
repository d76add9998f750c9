package x

import (
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// The kinds of messages, in the metadata and the content of each.
const (
	kindDirect  = "dm"
	kindMention = "mention" // written in public, and answered there
)

// facts collects members of a message that are left out where they are empty.
type facts map[string]any

func (f facts) text(name string, v text) {
	if v != "" {
		f[name] = string(v)
	}
}

func (f facts) number(name string, v number) {
	if v.known {
		f[name] = v.value
	}
}

// draft is a message being read: who wrote, what it is, then what it says.
type draft struct {
	from     person
	kind     text // the word of the normalised message; empty for text
	typ      string
	text     text
	marker   string
	content  facts
	metadata facts
	quiet    bool
}

func (r *reader) draft(kind string, from person) *draft {
	d := &draft{from: from, typ: "text", content: facts{"kind": kind}, metadata: facts{"provider": "x", "kind": kind}}
	d.metadata.text("forUserId", r.self)
	d.metadata.text("profileName", text(from.Name))
	d.metadata.text("username", text(from.Username))
	return d
}

// both notes v in the content and in the metadata, under the same name.
func (d *draft) both(name string, v text) {
	d.content.text(name, v)
	d.metadata.text(name, v)
}

// message is the finished draft.
func (d *draft) message(id text) *hookswitch.InboundMessage {
	d.metadata.text("messageType", d.kind)
	if d.quiet {
		d.metadata["actionable"] = false
	}
	return &hookswitch.InboundMessage{
		ProviderID:  string(id),
		From:        d.from.ID,
		ProfileName: d.from.Name,
		Text:        string(d.text),
		Marker:      d.marker,
		Kind:        string(d.kind),
		Type:        d.typ,
		Content:     d.content,
		Metadata:    d.metadata,
		Quiet:       d.quiet,
		Unsupported: d.kind == "unsupported",
		Review:      d.content["kind"] == kindMention,
	}
}

// directMessage adds a message that a person has sent.
func (r *reader) directMessage(m *directMessage, users map[string]person) error {
	from := m.Create.Sender
	switch {
	case m.Type != "message_create": // somebody has joined, left, …
		return nil
	case m.ID == "":
		return errNoID
	case from == "":
		return errNoSender
	}
	if r.self == "" {
		r.self = m.Create.Target.Recipient
	}
	if from == r.self { // our own, which would be answered again and again
		return nil
	}
	who := users[string(from)]
	who.ID = string(from)
	d, data := r.draft(kindDirect, who), &m.Create.Data
	var shown *media
	if a := data.Attachment; a != nil {
		switch {
		case a.Media != nil:
			shown = a.Media
			d.media(shown)
		case a.Location != nil:
			d.kind, d.typ, d.marker = "location", "location", "[location]"
			if c := a.Location.Coordinate; c != nil && len(c.Coordinates.Coordinates) == 2 {
				d.content.number("longitude", c.Coordinates.Coordinates[0])
				d.content.number("latitude", c.Coordinates.Coordinates[1])
				d.metadata.number("longitude", c.Coordinates.Coordinates[0])
				d.metadata.number("latitude", c.Coordinates.Coordinates[1])
			}
			if p := a.Location.Place; p != nil {
				d.both("locationName", or(p.Place.FullName, p.Place.Name))
			}
		default:
			d.unsupported(a.Type)
		}
	}
	if data.QuickReply != nil {
		d.kind, d.marker = "quick_reply", "[quick_reply]"
		d.both("payload", data.QuickReply.Metadata)
		d.content.text("replyId", data.QuickReply.Metadata)
	}
	d.text = words(data.Text, data.Entities.links(shown))
	r.add(hookswitch.Update{Dedup: r.key("dm", m.ID), At: m.Created.milliseconds(), Message: d.message(m.ID)})
	return nil
}

// secret adds that a person has written something that only the app of X on the account's own device could read.
func (r *reader) secret(m *secret) error {
	switch {
	case m.ID == "":
		return errNoID
	case m.Sender == "":
		return errNoSender
	case m.Sender == r.self:
		return nil
	}
	d := r.draft(kindDirect, person{ID: string(m.Sender)})
	d.unsupported("encrypted")
	r.add(hookswitch.Update{Dedup: r.key("chat", m.ID), At: m.Created.milliseconds(), Message: d.message(m.ID)})
	return nil
}

func (d *draft) unsupported(what text) {
	d.kind, d.typ, d.marker, d.quiet = "unsupported", "text", "[unsupported]", true
	d.content.text("unsupportedType", what)
}

// media notes a picture or a film in the older form: of a film, its best version.
func (d *draft) media(m *media) {
	address, mime := m.MediaURL, text("")
	var best number
	for _, v := range m.Video.Variants {
		if v.ContentType == "video/mp4" && (mime == "" || v.Bitrate.value > best.value) {
			address, mime, best = v.URL, v.ContentType, v.Bitrate
		}
	}
	d.file(m.Type, address)
	d.both("mediaId", m.ID)
	d.both("mimeType", mime)
}

func (d *draft) file(kind, address text) {
	d.kind, d.typ, d.marker = "image", "image", "[image]"
	if kind == "video" || kind == "animated_gif" {
		d.kind, d.typ, d.marker = "video", "video", "[video]"
	}
	d.both("mediaUrl", address)
}

// post adds a post in the older form that is meant for the account. Its own posts, reposts, and those that only quote it are told of, too.
func (r *reader) post(m *post, hasBlocked text) error {
	id := or(m.IDText, m.ID)
	switch {
	case id == "":
		return errNoID
	case m.User.ID == "":
		return errNoSender
	case m.User.ID == string(r.self), is(m.Repost):
		return nil
	}
	said, marks, more := or(m.FullText, m.Text), m.Entities, m.More
	if m.Extended != nil {
		said, marks, more = or(m.Extended.FullText, said), m.Extended.Entities, m.Extended.More
	}
	if hasBlocked == "" && m.ReplyUser != r.self && marks != nil && !marks.mention(r.self) {
		return nil
	}
	if marks == nil {
		marks = &entities{}
	}
	if more == nil {
		more = marks
	}
	d := r.mention(id, m.User, m.ReplyTo)
	// Who is blocked is not heard by a person either.
	d.quiet = hasBlocked == "true"
	shown := make([]*media, len(more.Media))
	for i := range more.Media {
		shown[i] = &more.Media[i]
	}
	if len(shown) > 0 {
		d.media(shown[0])
	}
	d.text = words(said, marks.links(shown...))
	at := m.Timestamp.milliseconds()
	if at.IsZero() {
		at = m.Created.date()
	}
	r.posted(d, id, at)
	return nil
}

// newerPost adds a post in the form of the X Activity API. X has chosen those that mention or answer the account.
func (r *reader) newerPost(m *newerPost, n *news) error {
	switch {
	case m.ID == "":
		return errNoID
	case m.Author == "":
		return errNoSender
	case m.Author == r.self:
		return nil
	}
	who := person{ID: string(m.Author)}
	for _, u := range n.Includes.Users {
		if u.ID == who.ID {
			who = u
		}
	}
	said, marks := m.Text, &m.Entities
	if m.Note != nil && m.Note.Text != "" {
		said, marks = m.Note.Text, &m.Note.Entities
	}
	var answered text
	for _, other := range m.Referenced {
		switch other.Type {
		case "replied_to":
			answered = other.ID
		case "retweeted":
			return nil
		}
	}
	d := r.mention(m.ID, who, answered)
	if len(m.Attachments.Media) > 0 {
		for _, f := range n.Includes.Media {
			if f.Key == m.Attachments.Media[0] {
				d.file(f.Type, or(f.URL, f.Preview))
				d.both("mediaId", f.Key)
			}
		}
	}
	d.text = words(said, marks.links())
	r.posted(d, m.ID, m.Created.date())
	return nil
}

// mention begins the draft of a post.
func (r *reader) mention(id text, who person, answered text) *draft {
	d := r.draft(kindMention, who)
	// The address names the author for people alone: X finds a post by its id.
	author := who.Username
	if author == "" || strings.ContainsAny(author, "/?#") {
		author = "i"
	}
	d.content["postUrl"] = "https://x.com/" + author + "/status/" + string(id)
	if answered != "" {
		d.metadata.text("replyToMessageId", answered)
		d.content.text("replyToProviderMessageId", answered)
	}
	return d
}

// posted adds a post. Both APIs, and both kinds of events of the newer one, may tell of it.
func (r *reader) posted(d *draft, id text, at time.Time) {
	r.add(hookswitch.Update{Dedup: r.key("post", id), At: at, Message: d.message(id)})
}

// mention reports whether the account is among those that are mentioned.
func (e *entities) mention(self text) bool {
	for _, list := range [][]mention{e.Mentions, e.NewerMentions} {
		for _, m := range list {
			if self != "" && or(m.IDText, m.ID) == self {
				return true
			}
		}
	}
	return false
}
