package hookswitch

import "time"

// APIKey lets a program act for one App. Its text is shown once and stored as a hash.
type APIKey struct {
	Key       Key
	App       Key
	Test      bool   // sends are simulated
	Hint      string // the text's last letters
	CreatedAt time.Time
}
