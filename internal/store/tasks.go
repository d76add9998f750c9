package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

const taskColumns = `id, app_id, endpoint_id, kind, status, canceled, params, result, error, total, counted, done, skipped, place, created_at, updated_at`

func scanTask(row rowScanner) (*hookswitch.Task, error) {
	var t hookswitch.Task
	var created, updated int64
	err := row.Scan(&t.Key, &t.App, &t.Endpoint, &t.Kind, &t.Status, &t.Canceled, &t.Params, &t.Result, &t.Error, &t.Total, &t.Counted, &t.Done, &t.Skipped,
		&t.Place, &created, &updated)
	t.CreatedAt, t.UpdatedAt = fromMillis(created), fromMillis(updated)
	return &t, err
}

// InsertTask stores a new task. Its delivery row, which has it run, is the caller's to append.
func (tx *Tx) InsertTask(t *hookswitch.Task) error {
	_, err := tx.exec(`INSERT INTO tasks (`+taskColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		int64(t.Key), int64(t.App), int64(t.Endpoint), string(t.Kind), string(t.Status), t.Canceled, notNil(t.Params), notNil(t.Result), t.Error, t.Total, t.Counted,
		t.Done, t.Skipped, int64(t.Place), millis(t.CreatedAt), millis(t.UpdatedAt))
	return err
}

// AdvanceTask stores how far a running task has come. was is the task as it was before the step: when it has got on otherwise since then, or has ended,
// nothing is written and moved is false.
func (tx *Tx) AdvanceTask(was, t *hookswitch.Task) (moved bool, err error) {
	n, err := tx.exec(`UPDATE tasks SET status = $5, canceled = $6, result = $7, error = $8, total = $9, counted = $10, done = $11, skipped = $12, place = $13, updated_at = $14
		WHERE id = $1 AND status = $2 AND place = $3 AND done = $4`,
		int64(t.Key), string(hookswitch.TaskRunning), int64(was.Place), was.Done, string(t.Status), t.Canceled, notNil(t.Result), t.Error, t.Total, t.Counted,
		t.Done, t.Skipped, int64(t.Place), millis(t.UpdatedAt))
	return n == 1, err
}

// EndTask ends a running task where it stands, and reports false when it has ended before.
func (tx *Tx) EndTask(key hookswitch.Key, status hookswitch.TaskStatus, canceled bool, problem string, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE tasks SET status = $3, canceled = $4, error = $5, updated_at = $6 WHERE id = $1 AND status = $2`,
		int64(key), string(hookswitch.TaskRunning), string(status), canceled, problem, millis(now))
	return n == 1, err
}

// Task is a task by key, of whatever App.
func (r *Reader) Task(ctx context.Context, key hookswitch.Key) (*hookswitch.Task, error) {
	t, err := scanTask(r.q.QueryRowContext(ctx, `SELECT `+taskColumns+` FROM tasks WHERE id = $1`, int64(key)))
	return t, readErr(err, "background task")
}

// TaskFilter narrows a list of tasks.
type TaskFilter struct {
	App    hookswitch.Key // 0: of all apps, and those that are about none
	Kind   hookswitch.TaskKind
	Status hookswitch.TaskStatus
}

// Tasks lists tasks.
func (r *Reader) Tasks(ctx context.Context, f TaskFilter, p Page) ([]*hookswitch.Task, error) {
	var args []any
	query := `SELECT ` + taskColumns + ` FROM tasks WHERE TRUE`
	if f.App != 0 {
		args = append(args, int64(f.App))
		query += ` AND app_id = ` + placeholder(args)
	}
	if f.Kind != "" {
		args = append(args, string(f.Kind))
		query += ` AND kind = ` + placeholder(args)
	}
	if f.Status != "" {
		args = append(args, string(f.Status))
		query += ` AND status = ` + placeholder(args)
	}
	return scanAll(ctx, r, scanTask, query+p.clause("id", &args), args...)
}

// Outstanding is how many tries that a task has asked for have not come to an end.
func (r *Reader) Outstanding(ctx context.Context, task hookswitch.Key) (int64, error) {
	var n int64
	err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM deliveries WHERE task IN ($1, $2) AND task <> 0`, int64(task), -int64(task)).Scan(&n)
	return n, readErr(err, "background task")
}

// DropTasksBefore removes up to limit tasks older than before that have ended, and returns how many.
func (tx *Tx) DropTasksBefore(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE id < $1 AND status <> $2 ORDER BY id LIMIT $3)`,
		int64(hookswitch.KeyAt(before)), string(hookswitch.TaskRunning), limit)
	return int(n), err
}
