package service

import (
	"context"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
)

// How long after they were last heard of dialogues are taken for over: networks end a USSD session after two or three minutes, and no provider lets a call
// last longer than a day.
const (
	ussdSilence = 180 * time.Second
	callSilence = 24 * time.Hour
)

// How a USSD session ends.
const (
	ussdCompleted = "completed"
	ussdTimeout   = "timeout"
	ussdAborted   = "aborted"
	ussdError     = "error"
)

// Where a call is, and how it ends.
const (
	callInProgress = "in-progress"
	callCompleted  = "completed"
	callFailed     = "failed"
)

var (
	callProgress = []string{"initiated", "ringing", callInProgress} // in this order
	callEnds     = []string{callCompleted, "busy", callFailed, "no-answer", "canceled"}
	ussdEnds     = []string{ussdCompleted, ussdAborted, ussdError}
)

// dialogueNews takes word of where a dialogue is that needs no answer. One that is not known, and ends, never began as far as we know.
func (in *inbound) dialogueNews(u *hookswitch.Update, route *hookswitch.Route) error {
	told := u.Dialogue
	d, err := in.dialogue(u, route, told.End == nil)
	if err != nil || !d.EndedAt.IsZero() {
		return err
	}
	if told.End != nil && u.Channel == hookswitch.USSD {
		status, _ := told.Metadata["providerStatus"].(string)
		return in.b.endSession(in.tx, d, known(told.End.Status, ussdEnds, ussdAborted), status, u.At, in.at)
	}
	if told.End != nil {
		return in.b.endCall(in.tx, d, known(told.End.Status, callEnds, callFailed), told.End.Duration, u.At, in.at)
	}
	d.SeenAt = in.b.now
	if slices.Index(callProgress, told.Progress) > slices.Index(callProgress, d.Status) {
		d.Status = told.Progress
	}
	return in.tx.UpdateDialogue(d)
}

func known(status string, list []string, otherwise string) string {
	if slices.Contains(list, status) {
		return status
	}
	return otherwise
}

// dialogueStarted tells that a dialogue has begun. The transaction that stores it is the only one that may.
func (b *births) dialogueStarted(d *hookswitch.Dialogue, at, received time.Time) {
	if d.Channel == hookswitch.USSD {
		b.dialogueEvent(d, hookswitch.EventUSSDSessionStart, received, sessionData(d, at, received))
		return
	}
	b.dialogueEvent(d, hookswitch.EventCallStarted, received, callData(d, at, received))
}

// endSession ends a USSD session that is open, and tells of it. provider is the provider's own word for how it ended, or empty.
func (b *births) endSession(tx *store.Tx, d *hookswitch.Dialogue, reason, provider string, at, received time.Time) error {
	first, err := tx.EndDialogue(d.Key, reason, b.now.UTC())
	if err != nil || !first {
		return err
	}
	data := append(sessionData(d, at, received), field{"reason", reason}, field{"steps", d.Asked})
	if provider != "" {
		data = append(data, field{"providerStatus", provider})
	}
	b.dialogueEvent(d, hookswitch.EventUSSDSessionEnd, received, data)
	return nil
}

// endCall ends a call that is open, and tells of it. duration is 0 where it is not known.
func (b *births) endCall(tx *store.Tx, d *hookswitch.Dialogue, status string, duration time.Duration, at, received time.Time) error {
	first, err := tx.EndDialogue(d.Key, status, b.now.UTC())
	if err != nil || !first {
		return err
	}
	var seconds any
	if duration > 0 || status != callCompleted { // a call that did not come about has lasted for no time
		seconds = int64(duration / time.Second)
	}
	data := append(callData(d, at, received), field{"status", status}, field{"durationSeconds", seconds})
	b.dialogueEvent(d, hookswitch.EventCallCompleted, received, data)
	return nil
}

func sessionData(d *hookswitch.Dialogue, at, received time.Time) object {
	return object{{"sessionId", d.Session}, {"phoneNumber", d.Person()}, {"serviceCode", d.Ours()}, {"timestamp", hookswitch.ReceivedTime(at, received)}}
}

func callData(d *hookswitch.Dialogue, at, received time.Time) object {
	return object{{"callId", d.Session}, {"from", d.From}, {"to", d.To}, {"direction", string(d.Direction)}, {"timestamp", hookswitch.ReceivedTime(at, received)}}
}

// dialogueEvent emits an event in the shape of message.received.
func (b *births) dialogueEvent(d *hookswitch.Dialogue, eventType string, received time.Time, data object) {
	b.plain(d.App, eventType, d.Sender, received, data)
}

// sweepEvery is how often dialogues that nobody goes on with are looked for, and sweepChunk how many are looked at together.
const (
	sweepEvery = 10 * time.Second
	sweepChunk = 100
)

// SweepDialogues ends the dialogues that nobody has gone on with for too long. Several nodes may do it at once.
func (s *Service) SweepDialogues(ctx context.Context) error {
	for _, c := range []struct {
		channel hookswitch.Channel
		silence time.Duration
	}{{hookswitch.USSD, ussdSilence}, {hookswitch.Voice, callSilence}} {
		for {
			cutoff := s.now().Add(-c.silence)
			list, err := s.store.OpenDialogues(ctx, c.channel, cutoff, sweepChunk)
			if err != nil {
				return err
			}
			for _, d := range list {
				if err := s.endSilent(ctx, d, cutoff); err != nil {
					return err
				}
			}
			if len(list) < sweepChunk {
				break
			}
		}
	}
	return nil
}

// endSilent ends a dialogue that was last heard of before cutoff, unless it has been heard of meanwhile.
func (s *Service) endSilent(ctx context.Context, d *hookswitch.Dialogue, cutoff time.Time) error {
	err := s.update(ctx, []hookswitch.Key{d.App}, func(tx *store.Tx, b *births) error {
		d, err := tx.Dialogue(tx.Context(), d.Route, d.Session)
		if err != nil || !d.SeenAt.Before(cutoff) {
			return err
		}
		if d.Channel == hookswitch.USSD {
			return b.endSession(tx, d, ussdTimeout, "", time.Time{}, b.now)
		}
		status := callCompleted
		if d.Status != callInProgress {
			status = callFailed // it was never answered
		}
		return b.endCall(tx, d, status, 0, time.Time{}, b.now)
	})
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { // its App has been deleted: there is nobody to tell
		_, err := tx.EndDialogue(d.Key, ussdTimeout, s.now().UTC())
		return err
	})
}

// page takes from text what fits on one screen of a USSD session. Where the session goes on the rest is offered.
func page(text string, end bool) (screen, rest string) {
	limit := respond.LimitOf(hookswitch.USSD)
	if screen, rest = limit.Cut(text); rest == "" || end {
		return screen, ""
	}
	limit.N -= limit.Size(moreLine)
	screen, rest = limit.Cut(text)
	return screen + moreLine, rest
}
