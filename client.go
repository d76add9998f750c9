package hookswitch

import "time"

// Client is a program of an App that gets tokens by OAuth 2.0 client credentials. Its secret is shown once and stored as a hash.
type Client struct {
	Key       Key
	App       Key
	Name      string // what people call it; empty: nothing
	Hint      string // the secret's last letters
	CreatedAt time.Time
}

// MaxClientName is the greatest length of the name of a Client, in bytes.
const MaxClientName = 200
