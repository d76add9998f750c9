package widget

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
)

// cursor says which messages of a conversation a browser has: all up to mark, and above it those in seen. The mark alone would not do. Messages come to be
// seen in another order than that of their keys: one that is still being sent is seen after what is written meanwhile, and nodes commit in no certain order. So the
// mark stays below what is yet to be sent, and lookBack behind the clock.
type cursor struct {
	mark hookswitch.Key
	seen []hookswitch.Key // ascending
}

// lookBack is far longer than a transaction takes. What is committed has a key that was made in its transaction.
const lookBack = 30 * time.Second

// maxSeen bounds a cursor as it is written. Beyond it the oldest are left out: a browser that comes back gets them again, and knows them by their ids.
const maxSeen = 100

func (c *cursor) has(key hookswitch.Key) bool {
	_, found := slices.BinarySearch(c.seen, key)
	return found || key <= c.mark
}

func (c *cursor) add(key hookswitch.Key) {
	if at, found := slices.BinarySearch(c.seen, key); !found {
		c.seen = slices.Insert(c.seen, at, key)
	}
}

// advance moves the mark on, after all messages above it have been looked at and added: as far as nothing can come to be seen below it any more. The clock was read
// before the messages were.
func (c *cursor) advance(clock time.Time, open []hookswitch.Key) {
	mark := hookswitch.KeyAt(clock.Add(-lookBack))
	for _, key := range open {
		mark = min(mark, key-1)
	}
	if mark <= c.mark {
		return
	}
	c.mark = mark
	at, found := slices.BinarySearch(c.seen, mark)
	if found {
		at++
	}
	c.seen = slices.Delete(c.seen, 0, at)
}

// fresh are the messages of a page that are new to the browser.
func (c *cursor) fresh(page *service.VisitorPage) []*hookswitch.Message {
	var list []*hookswitch.Message
	for _, m := range page.Messages {
		if !c.has(m.Key) {
			list = append(list, m)
		}
	}
	return list
}

// String is the cursor as the id of an event.
func (c *cursor) String() string {
	var b strings.Builder
	b.WriteString(strconv.FormatInt(int64(c.mark), 36))
	for _, key := range c.seen[max(0, len(c.seen)-maxSeen):] {
		b.WriteByte('.')
		b.WriteString(strconv.FormatInt(int64(key), 36))
	}
	return b.String()
}

// parseCursor reads what String has written.
func parseCursor(text string) (cursor, bool) {
	var c cursor
	for i, part := range strings.Split(text, ".") {
		n, err := strconv.ParseInt(part, 36, 64)
		switch {
		case err != nil || n < 0 || i > maxSeen:
			return cursor{}, false
		case i == 0:
			c.mark = hookswitch.Key(n)
		default:
			c.add(hookswitch.Key(n))
		}
	}
	return c, true
}
