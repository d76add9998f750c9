package work

// queue is a ring of items. It grows as needed; its owner bounds it.
type queue struct {
	items []Item // length is a power of two, or zero
	head  int
	n     int
}

func (q *queue) len() int { return q.n }

func (q *queue) at(i int) *Item { return &q.items[(q.head+i)&(len(q.items)-1)] }

func (q *queue) push(it *Item) {
	if q.n == len(q.items) {
		q.grow()
	}
	*q.at(q.n) = *it
	q.n++
}

// pushOrdered puts the item before all with a greater subject.
func (q *queue) pushOrdered(it *Item) {
	q.push(it)
	for i := q.n - 1; i > 0 && q.at(i-1).Subject > q.at(i).Subject; i-- {
		*q.at(i - 1), *q.at(i) = *q.at(i), *q.at(i - 1)
	}
}

// pushFront puts the item before all others.
func (q *queue) pushFront(it *Item) {
	if q.n == len(q.items) {
		q.grow()
	}
	q.head = (q.head - 1) & (len(q.items) - 1)
	q.items[q.head] = *it
	q.n++
}

// pop moves the first item into it. The queue must not be empty.
func (q *queue) pop(it *Item) {
	first := q.at(0)
	*it = *first
	*first = Item{}
	q.head = (q.head + 1) & (len(q.items) - 1)
	q.n--
}

// cut removes all but the first keep items and appends them to into, in order.
func (q *queue) cut(keep int, into []Item) []Item {
	for i := keep; i < q.n; i++ {
		into = append(into, *q.at(i))
		*q.at(i) = Item{}
	}
	q.n = min(q.n, keep)
	return into
}

// find returns the queued item of a subject, or nil.
func (q *queue) find(subject int64) *Item {
	for i := range q.n {
		if it := q.at(i); it.Subject == subject {
			return it
		}
	}
	return nil
}

func (q *queue) grow() {
	items := make([]Item, max(4, 2*len(q.items)))
	for i := range q.n {
		items[i] = *q.at(i)
	}
	q.items, q.head = items, 0
}
