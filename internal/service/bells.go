package service

import "sync"

// maxBells is how many things of one kind are watched at a time. Beyond it everybody is woken, looks, and comes again.
const maxBells = 4096

// bells wake those on this node who watch something, a bin or a conversation, when it changes. The zero value is ready.
type bells struct {
	mu      sync.Mutex
	waiting map[string]chan struct{}
}

// bell is closed by the next ring of the name.
func (w *bells) bell(name string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.waiting[name]
	if c == nil {
		if len(w.waiting) >= maxBells {
			for _, other := range w.waiting {
				close(other)
			}
			clear(w.waiting)
		}
		if w.waiting == nil {
			w.waiting = make(map[string]chan struct{})
		}
		c = make(chan struct{})
		w.waiting[name] = c
	}
	return c
}

func (w *bells) ring(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.waiting[name]; c != nil {
		close(c)
		delete(w.waiting, name)
	}
}
