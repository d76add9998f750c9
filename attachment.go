package hookswitch

// Attachment is a file of a mail that was received or sent. Its bytes are kept apart, and for a time only.
type Attachment struct {
	Key       Key
	App       Key
	Message   Key
	Name      string
	MIMEType  string
	ContentID string // by which the HTML of the mail names it; empty: it does not
	Inline    bool   // shown in the mail rather than beside it
	Size      int    // in bytes
	Kept      bool   // the bytes are still there
}

// Limits of the files of one message.
const (
	MaxAttachments     = 50
	MaxAttachmentBytes = 25 << 20 // of all of them together
)
