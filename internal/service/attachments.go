package service

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// NewAttachment is a file of a mail that somebody wants sent: with its content, or at a URL.
type NewAttachment struct {
	Filename    string
	Content     string // in base64
	Path        string // an absolute URL of the web
	ContentType string // "": as the file's name or its server says
	ContentID   string
}

// file is an attachment with its bytes.
type file struct {
	hookswitch.Attachment
	bytes []byte
}

const maxFilename = 255

func checkAttachments(c *hookswitch.Checks, list []NewAttachment) {
	if len(list) > hookswitch.MaxAttachments {
		c.Field("must have at most "+strconv.Itoa(hookswitch.MaxAttachments)+" files", "attachments")
		return
	}
	size := 0
	for i, a := range list {
		at := func(message, name string) { c.Field(message, "attachments", "["+strconv.Itoa(i)+"]", name) }
		if strings.TrimSpace(a.Filename) == "" {
			at("is required", "filename")
		} else if len(a.Filename) > maxFilename || strings.ContainsAny(a.Filename, "\r\n\x00/\\") {
			at("must be the name of a file, of at most "+strconv.Itoa(maxFilename)+" bytes", "filename")
		}
		switch {
		case a.Content == "" && a.Path == "":
			at("is required, unless there is a path", "content")
		case a.Content != "" && a.Path != "":
			at("must not be given beside content", "path")
		case a.Path != "" && !isLink(a.Path):
			at("must be a URL that begins with https:// or http://", "path")
		}
		if a.ContentType != "" {
			if wrong := hookswitch.CheckContentType(a.ContentType); wrong != "" {
				at(wrong, "content_type")
			}
		}
		if len(a.ContentID) > maxFilename || strings.ContainsAny(a.ContentID, "<> \r\n\x00") {
			at("must not have spaces or angle brackets", "content_id")
		}
		size += base64.StdEncoding.DecodedLen(len(a.Content))
	}
	if size > hookswitch.MaxAttachmentBytes+3*len(list) {
		c.Field("must have at most "+strconv.Itoa(hookswitch.MaxAttachmentBytes)+" bytes together", "attachments")
	}
}

// files are the attachments with their bytes, which are fetched where they lie at a URL.
func (s *Service) files(ctx context.Context, list []NewAttachment) ([]file, error) {
	out := make([]file, 0, len(list))
	left := hookswitch.MaxAttachmentBytes
	for i, a := range list {
		wrong := func(message, name string) error {
			return hookswitch.InvalidField(message, "attachments", "["+strconv.Itoa(i)+"]", name)
		}
		var data []byte
		said := ""
		if a.Path == "" {
			var err error
			if data, err = base64.StdEncoding.DecodeString(a.Content); err != nil {
				return nil, wrong("is not base64", "content")
			}
		} else {
			if s.o.Fetch == nil {
				return nil, wrong("cannot be fetched: this server does not fetch files", "path")
			}
			var err error
			if data, said, err = s.o.Fetch(ctx, a.Path, left); err != nil {
				return nil, wrong("cannot be fetched: "+err.Error(), "path")
			}
		}
		if left -= len(data); left < 0 {
			return nil, hookswitch.InvalidField("must have at most "+strconv.Itoa(hookswitch.MaxAttachmentBytes)+" bytes together", "attachments")
		}
		kind, _, _ := mime.ParseMediaType(said)
		out = append(out, file{hookswitch.Attachment{Name: strings.TrimSpace(a.Filename), ContentID: a.ContentID, Inline: a.ContentID != "", Size: len(data),
			MIMEType: cmp.Or(a.ContentType, mediaOf(a.Filename), kind, "application/octet-stream")}, append([]byte{}, data...)})
	}
	return out, nil
}

// mediaOf is the type of a file by its name, or "".
func mediaOf(name string) string {
	kind, _, _ := mime.ParseMediaType(mime.TypeByExtension(path.Ext(name)))
	return kind
}

// attached is the content of a message to send with its files in it, where its provider looks for them. A *SendError says that they are no longer kept.
func attached(tx *store.Tx, m *hookswitch.Message) (json.RawMessage, error) {
	if m.Channel != hookswitch.Email {
		return m.Content, nil
	}
	list, err := tx.Attachments(tx.Context(), m.App, m.Key)
	if err != nil || len(list) == 0 {
		return m.Content, err
	}
	var files []any
	for _, a := range list {
		_, data, err := tx.Attachment(tx.Context(), a.Key)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return nil, &hookswitch.SendError{Code: errSendFailed, Message: "the attachment " + a.Name + " is no longer kept", Category: "permanent"}
		}
		if err != nil {
			return nil, err
		}
		f := map[string]any{"filename": a.Name, "content": base64.StdEncoding.EncodeToString(data), "content_type": a.MIMEType}
		if a.ContentID != "" {
			f["content_id"] = a.ContentID
		}
		files = append(files, f)
	}
	fields := make(map[string]any)
	if len(m.Content) > 0 {
		if err := json.Unmarshal(m.Content, &fields); err != nil {
			return nil, err
		}
	}
	fields["attachments"] = files
	return json.Marshal(fields)
}

// Attachments are the files of a message.
func (s *Service) Attachments(ctx context.Context, m *hookswitch.Message) ([]hookswitch.Attachment, error) {
	return s.store.Attachments(ctx, m.App, m.Key)
}

// attachmentLife is how long the URL of a file opens it.
const attachmentLife = 15 * time.Minute

// AttachmentURL is where the bytes of a file can be had for some minutes, without any other proof; "" when they are no longer kept. base is the path of the route that serves
// files, to which the id is added.
func (s *Service) AttachmentURL(a *hookswitch.Attachment, base string) string {
	if !a.Kept {
		return ""
	}
	id, until := s.ids.Format(hookswitch.KindAttachment, a.Key), strconv.FormatInt(s.now().Add(attachmentLife).Unix(), 10)
	q := url.Values{"expires": {until}, "signature": {s.attachmentProof(id, until)}}
	return s.o.PublicURL + base + id + "?" + q.Encode()
}

// attachmentProof is what only we can add to the URL of a file.
func (s *Service) attachmentProof(id, until string) string {
	h := hmac.New(sha256.New, s.store.IDKey())
	h.Write([]byte("attachment " + id + " " + until))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// OpenAttachment is a file with its bytes, for whoever has its URL. The error is of kind Forbidden when the URL is not one that we have made or is over, and of kind NotFound
// when the bytes are no longer kept.
func (s *Service) OpenAttachment(ctx context.Context, id, expires, signature string) (hookswitch.Attachment, []byte, error) {
	key, ok := s.ids.Parse(hookswitch.KindAttachment, id)
	if !ok {
		return hookswitch.Attachment{}, nil, hookswitch.NotFoundf("attachment not found")
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || !hmac.Equal([]byte(signature), []byte(s.attachmentProof(id, expires))) {
		return hookswitch.Attachment{}, nil, &hookswitch.Error{Kind: hookswitch.Forbidden, Message: "This URL is not complete", Err: errors.Join(err)}
	}
	if s.now().Unix() >= until {
		return hookswitch.Attachment{}, nil, &hookswitch.Error{Kind: hookswitch.Forbidden, Message: "This URL has expired; list the attachments again for a new one"}
	}
	return s.store.Attachment(ctx, key)
}
