package respond

import (
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Cache keeps what is built from the responder configurations of Senders. It may be used from many goroutines at once.
type Cache[T any] struct {
	build func(hookswitch.ResponderConfig) (T, error)
	mu    sync.Mutex
	built map[hookswitch.Key]built[T]
}

type built[T any] struct {
	what    T
	version time.Time
}

// maxBuilt is how many are kept.
const maxBuilt = 1000

// NewCache returns an empty cache of what build builds.
func NewCache[T any](build func(hookswitch.ResponderConfig) (T, error)) *Cache[T] {
	return &Cache[T]{build: build, built: make(map[hookswitch.Key]built[T])}
}

// Of is what a Sender has, built from cfg unless it is there already for the same version.
func (c *Cache[T]) Of(sender hookswitch.Key, version time.Time, cfg hookswitch.ResponderConfig) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := c.built[sender]; ok && b.version.Equal(version) {
		return b.what, nil
	}
	what, err := c.build(cfg)
	if err != nil {
		return what, err
	}
	if len(c.built) >= maxBuilt {
		clear(c.built)
	}
	c.built[sender] = built[T]{what, version}
	return what, nil
}
