package bench

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets that are less than one per cent wide. It may be used from many goroutines.
type histogram struct {
	total   atomic.Int64
	buckets [buckets]atomic.Int64
}

const (
	halfBuckets = 128                // buckets between a power of two and the next
	unit        = 256                // nanoseconds; finer differences do not count
	buckets     = halfBuckets * (34) // up to some 18 minutes
)

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0)) / unit
	if v < halfBuckets {
		return int(v)
	}
	exp := bits.Len64(v) - bits.Len64(halfBuckets)
	return min((exp+1)*halfBuckets+int(v>>exp)-halfBuckets, buckets-1)
}

// middleOf is the duration in the middle of a bucket.
func middleOf(bucket int) time.Duration {
	if bucket < halfBuckets {
		return time.Duration(bucket)*unit + unit/2
	}
	exp := bucket/halfBuckets - 1
	low := uint64(bucket%halfBuckets+halfBuckets) << exp
	return time.Duration(low*unit + uint64(unit)<<exp/2)
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(d)].Add(1)
	h.total.Add(1)
}

// quantile is the duration that a share q of all do not exceed, or 0 when there are none.
func (h *histogram) quantile(q float64) time.Duration {
	total := h.total.Load()
	rank := int64(q*float64(total) + 0.5)
	rank = min(max(rank, 1), total)
	for i := range h.buckets {
		if rank -= h.buckets[i].Load(); rank <= 0 && total > 0 {
			return middleOf(i)
		}
	}
	return 0
}
