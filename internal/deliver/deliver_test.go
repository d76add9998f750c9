package deliver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/internal/work"
)

type runner func() work.Result

func (r runner) Run(context.Context, work.Item) work.Result { return r() }

func TestPatient_WaitsBeforeAnItemIsRunOnceMore(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cause error // that the run is canceled with
		res   work.Result
		want  time.Duration
	}{
		{"given back", nil, work.Result{Neutral: true, Released: true}, givenBackPause},
		{"cut off by a stop", work.ErrStopping, work.Result{Neutral: true, Released: true}, 0},
		{"done", nil, work.Result{OK: true}, 0},
		{"failed", nil, work.Result{Next: time.Now()}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancelCause(t.Context())
			defer stop(nil)
			if tt.cause != nil {
				stop(tt.cause)
			}
			begin := time.Now()
			if res := (patient{runner(func() work.Result { return tt.res })}).Run(ctx, work.Item{}); res != tt.res {
				t.Errorf("%s: got %+v, want %+v", tt.name, res, tt.res)
			}
			if took := time.Since(begin); took != tt.want {
				t.Errorf("%s: waited %v, want %v", tt.name, took, tt.want)
			}
		})
	}
}
