package service

import (
	"context"
	"sync"

	"github.com/hookswitch/hookswitch"
)

// sessionKey names a dialogue before it is stored.
type sessionKey struct {
	route   hookswitch.Key
	session string
}

// sessionLocks let the steps of each dialogue take turns in this process. The zero value is ready.
type sessionLocks struct {
	mu   sync.Mutex
	held map[sessionKey]*sessionLock
}

type sessionLock struct {
	turn  chan struct{} // has room for the one whose turn it is
	users int           // who has it or waits for it
}

// lock waits for the turn, or for the end of ctx. unlock must be called once.
func (l *sessionLocks) lock(ctx context.Context, key sessionKey) (unlock func(), err error) {
	l.mu.Lock()
	if l.held == nil {
		l.held = make(map[sessionKey]*sessionLock)
	}
	k := l.held[key]
	if k == nil {
		k = &sessionLock{turn: make(chan struct{}, 1)}
		l.held[key] = k
	}
	k.users++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if k.users--; k.users == 0 {
			delete(l.held, key)
		}
	}
	select {
	case k.turn <- struct{}{}:
		return func() {
			<-k.turn
			leave()
		}, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
