package hookswitch

import "time"

// Task is work that somebody asked for and that takes longer than a request: it is done in small steps by whichever node has it, survives
// crashes, and can be watched. The Svix-shaped API calls it a background task.
type Task struct {
	Key Key
	App Key // 0: it is about all apps
	// Endpoint is what a task about one endpoint is about; else 0.
	Endpoint Key
	Kind     TaskKind
	Status   TaskStatus
	Canceled bool   // somebody ended it; it reads as finished
	Params   []byte // JSON: what was asked for, as the kind understands it
	Result   []byte // JSON: what has been found out, as the kind writes it; empty: nothing
	Error    string // why it failed: a sentence for people
	// Total is how many pieces there are to do, or TaskUncounted while they are being counted. Counted is how many the count has found.
	Total, Counted int64
	// Done is how many pieces have been taken on, Skipped how many were found and could not be.
	Done, Skipped int64
	Place         Key // the step behind it begins there
	CreatedAt     time.Time
	UpdatedAt     time.Time // when it last got on
}

// TaskUncounted is the Total of a task whose pieces have not all been counted.
const TaskUncounted = -1

// TaskKind is what a task does. The names are stored, and a closed set that clients of the Svix-shaped API know.
type TaskKind string

// The kinds of tasks.
const (
	TaskRecover             TaskKind = "endpoint.recover"          // send what has failed once more
	TaskReplay              TaskKind = "endpoint.replay"           // send what an endpoint never got
	TaskBulkReplay          TaskKind = "endpoint.bulk-replay"      // send again, also what was delivered
	TaskAppStats            TaskKind = "application.stats"         // count events and attempts of apps
	TaskEventTypeAggregate  TaskKind = "event-type.aggregate"      // list the event types that apps subscribe to
	TaskPurgeContent        TaskKind = "application.purge_content" // remove the payloads and answers of an app
	taskBroadcast           TaskKind = "message.broadcast"         // known to clients; never made here
	taskGenerateLibraryCode TaskKind = "sdk.generate"              // known to clients; never made here
)

// TaskKinds are all kinds that clients know, those that are never made here among them.
var TaskKinds = []TaskKind{TaskRecover, TaskReplay, TaskBulkReplay, TaskAppStats, TaskEventTypeAggregate, TaskPurgeContent, taskBroadcast, taskGenerateLibraryCode}

// TaskStatus is where a task stands. The names are stored, and a closed set that clients of the Svix-shaped API know.
type TaskStatus string

// The states of a task. One that was canceled is finished.
const (
	TaskRunning  TaskStatus = "running"
	TaskFinished TaskStatus = "finished"
	TaskFailed   TaskStatus = "failed"
)

// TaskStatuses are all states of a task.
var TaskStatuses = []TaskStatus{TaskRunning, TaskFinished, TaskFailed}
