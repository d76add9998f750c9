package respond

import (
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Cache keeps the responders of Senders built. It may be used from many goroutines at once.
type Cache struct {
	build func(hookswitch.ResponderConfig) (hookswitch.Responder, error)
	mu    sync.Mutex
	built map[hookswitch.Key]builtResponder
}

type builtResponder struct {
	responder hookswitch.Responder
	version   time.Time
}

// maxBuilt is how many responders are kept built.
const maxBuilt = 1000

// NewCache returns an empty cache of what build builds.
func NewCache(build func(hookswitch.ResponderConfig) (hookswitch.Responder, error)) *Cache {
	return &Cache{build: build, built: make(map[hookswitch.Key]builtResponder)}
}

// Responder is the responder of a Sender, built from cfg unless one of the same version is there.
func (c *Cache) Responder(sender hookswitch.Key, version time.Time, cfg hookswitch.ResponderConfig) (hookswitch.Responder, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := c.built[sender]; ok && b.version.Equal(version) {
		return b.responder, nil
	}
	r, err := c.build(cfg)
	if err != nil {
		return nil, err
	}
	if len(c.built) >= maxBuilt {
		clear(c.built)
	}
	c.built[sender] = builtResponder{r, version}
	return r, nil
}
