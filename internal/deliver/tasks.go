package deliver

import (
	"context"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/work"
)

// tasks takes tasks on, those of one endpoint or App one after the other.
type tasks struct{ Options }

// Run does some steps of a task. Each is committed with where the task then stands, so a run that is cut off loses nothing.
func (t *tasks) Run(ctx context.Context, it work.Item) work.Result {
	o := outcome(it)
	next, err := t.Service.RunTask(ctx, o, it.Tries)
	if err != nil {
		if !cutOff(ctx) {
			t.Logger.Error("take a task on", "error", err, "task_id", t.Service.IDs().Format(hookswitch.KindTask, o.Subject))
		}
		return work.Result{Neutral: true, Released: true}
	}
	if next.IsZero() {
		t.Wake(it.Kind, t.Now()) // for the one behind it
	}
	return work.Result{OK: true, Next: next}
}
