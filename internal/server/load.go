package server

import (
	"runtime"
	gometrics "runtime/metrics"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch/internal/store"
)

// loads measures how busy the process is between one time and the next.
type loads struct {
	mu   sync.Mutex
	at   time.Time
	used time.Duration // of CPU
}

// load is how the process has been since the last call.
func (l *loads) load() store.NodeLoad {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, used := time.Now(), cpuTime()
	n := store.NodeLoad{Version: version(), Cores: runtime.GOMAXPROCS(0), Memory: memory()}
	if took := now.Sub(l.at); !l.at.IsZero() && took > 0 {
		n.CPU = int(float64(used-l.used) / float64(took) * 1000)
	}
	l.at, l.used = now, used
	return n
}

// memory is what the process has of the system, in bytes, without what it has given back.
func memory() int64 {
	samples := []gometrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	gometrics.Read(samples)
	if samples[0].Value.Kind() != gometrics.KindUint64 || samples[1].Value.Kind() != gometrics.KindUint64 {
		return 0
	}
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
