package service

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
)

// ChangeResponder makes cfg what answers the messages of the sender with the id; one without a kind is none. respond.Mask in it stands for the secret that was there. The names of wrong fields begin with
// "responder".
func (s *Service) ChangeResponder(ctx context.Context, app hookswitch.Key, id string, cfg hookswitch.ResponderConfig) (*hookswitch.Sender, error) {
	return s.changeAnswering(ctx, app, id, func(sender *hookswitch.Sender) (hookswitch.Action, []string, error) {
		filled, err := s.filledResponder(cfg, sender)
		if err != nil {
			return "", nil, err
		}
		sender.Responder = filled
		return hookswitch.DidChangeResponder, []string{"Kind", cmp.Or(filled.Kind, "none")}, nil
	})
}

// CheckResponder says what is wrong with cfg as the responder of the sender with the id, as ChangeResponder would. Nothing is changed.
func (s *Service) CheckResponder(ctx context.Context, app hookswitch.Key, id string, cfg hookswitch.ResponderConfig) (hookswitch.ResponderConfig, error) {
	sender, err := s.Sender(ctx, app, id)
	if err != nil {
		return cfg, err
	}
	return s.filledResponder(cfg, sender)
}

func (s *Service) filledResponder(cfg hookswitch.ResponderConfig, sender *hookswitch.Sender) (hookswitch.ResponderConfig, error) {
	if cfg.Kind == "" && len(cfg.Raw) == 0 {
		return hookswitch.ResponderConfig{}, nil
	}
	filled, err := respond.Fill(cfg, sender.Responder)
	if err == nil && s.o.CheckResponder != nil {
		err = s.o.CheckResponder(filled)
	}
	return filled, err
}

// SilenceResponder switches the responder of the sender with the id off on a channel, or on again. It is in force with the next message; what is being answered at this moment is not said.
func (s *Service) SilenceResponder(ctx context.Context, app hookswitch.Key, id string, ch hookswitch.Channel, off bool) (*hookswitch.Sender, error) {
	if !ch.Valid() {
		return nil, hookswitch.InvalidField("must be one of "+channelNames(), "channel")
	}
	return s.changeAnswering(ctx, app, id, func(sender *hookswitch.Sender) (hookswitch.Action, []string, error) {
		if slices.Contains(sender.Silenced, ch) == off {
			return "", nil, nil
		}
		sender.Silence(ch, off)
		action := hookswitch.DidUnmuteResponder
		if off {
			action = hookswitch.DidSilenceResponder
		}
		return action, []string{"Channel", string(ch)}, nil
	})
}

// changeAnswering changes how the sender with the id answers; an action of "" says that nothing has changed.
func (s *Service) changeAnswering(ctx context.Context, app hookswitch.Key, id string, change func(*hookswitch.Sender) (hookswitch.Action, []string, error)) (*hookswitch.Sender, error) {
	key, ok := s.ids.Parse(hookswitch.KindSender, id)
	if !ok {
		return nil, hookswitch.NotFoundf("sender not found")
	}
	by := actorOf(ctx)
	var out *hookswitch.Sender
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.HoldApp(app); err != nil {
			return err
		}
		sender, err := tx.Sender(tx.Context(), app, key)
		if err != nil {
			return err
		}
		out = sender
		action, details, err := change(sender)
		if err != nil || action == "" {
			return err
		}
		now := s.now().UTC()
		sender.UpdatedAt = now
		if err := tx.UpdateSender(sender); err != nil {
			return err
		}
		if err := s.noteSender(tx, by, action, sender, details...); err != nil {
			return err
		}
		return s.touch(tx, app, now)
	})
	s.cache.forget(app)
	s.routes.forget()
	return out, err
}

// Trial is what a responder is asked to try it out.
type Trial struct {
	Channel hookswitch.Channel
	Text    string // what the person says; "" opens a call or a session
	// History is what was said before, oldest first, and State and Unsolved what the last Tried told.
	History  []hookswitch.Line
	State    string
	Unsolved int
	Name     string // of the person; "" is not known
}

// Tried is what a responder has answered.
type Tried struct {
	Reply hookswitch.Reply
	// Took is how long it took, and Unsolved what the next Trial is to carry.
	Took     time.Duration
	Unsolved int
	// Failure is why there is no answer; "" where there is one. The reply is then the fallback.
	Failure string
	// OptOut says that the words end what is written to the person, or resume it: then the responder is not asked.
	OptOut bool
}

// Bounds of a trial.
const (
	maxTrialText  = 4000 // characters
	maxTrialLines = historyLines
	trialTimeout  = 60 * time.Second
)

// TryResponder asks the responder of the sender with the id as if somebody had written. Nothing is stored and nothing is sent to anybody; a server that answers is called.
func (s *Service) TryResponder(ctx context.Context, app hookswitch.Key, id string, in Trial) (Tried, error) {
	sender, err := s.Sender(ctx, app, id)
	if err != nil {
		return Tried{}, err
	}
	if sender, err = answering(ctx, &s.store.Reader, sender, in.Channel); err != nil {
		return Tried{}, err
	}
	dialogue := in.Channel == hookswitch.USSD || in.Channel == hookswitch.Voice
	var c hookswitch.Checks
	switch {
	case !in.Channel.Valid():
		c.Field("must be one of "+channelNames(), "channel")
	case sender.Responder.Kind == "":
		return Tried{}, hookswitch.Errorf(hookswitch.Conflict, "the sender has no responder")
	case s.o.NewResponder == nil:
		return Tried{}, hookswitch.Errorf(hookswitch.Unsupported, "responders cannot be tried here")
	}
	if utf8.RuneCountInString(in.Text) > maxTrialText || hookswitch.CheckText(in.Text) != "" {
		c.Field("must be a text of at most "+strconv.Itoa(maxTrialText)+" characters", "text")
	}
	if in.Text == "" && !dialogue {
		c.Field("is required", "text")
	}
	if len(in.History) > maxTrialLines {
		c.Field("must have at most "+strconv.Itoa(maxTrialLines)+" entries", "history")
	}
	if len(in.State) > hookswitch.MaxTurnState {
		c.Field("is too long", "state")
	}
	if err := c.Err(); err != nil {
		return Tried{}, err
	}
	r, err := s.o.NewResponder(sender.Responder)
	if err != nil {
		return Tried{}, err
	}
	turn := &hookswitch.Turn{App: s.ids.Format(hookswitch.KindApp, app), Sender: id, Conversation: "conv_trial", MessageID: "msg_trial", Channel: in.Channel, From: "trial", ProfileName: in.Name,
		Text: in.Text, Type: "text", First: len(in.History) == 0, Opens: dialogue && in.Text == "", State: in.State, Unsolved: in.Unsolved, At: s.now().UTC(), History: in.History}
	if respond.HearsOptOut(in.Channel) {
		words := respond.OptOutOf(sender.Responder)
		if wish := words.Wish(in.Text, ""); wish == respond.WantsNone {
			return Tried{Reply: hookswitch.Reply{Text: words.Confirmation(wish, turn)}, OptOut: true}, nil
		}
	}
	limit := trialTimeout
	if dialogue {
		limit = s.DialogueTimeout()
		if turn.Opens && sender.Dialogue.Greeting != "" {
			return Tried{Reply: hookswitch.Reply{Text: sender.Dialogue.Greeting}}, nil
		}
	}
	call, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := s.now()
	reply, err := r.Respond(call, turn)
	out := Tried{Reply: reply, Took: s.now().Sub(began)}
	if err != nil && ctx.Err() != nil {
		return Tried{}, ctx.Err()
	}
	if err != nil {
		out.Failure, _ = respond.Limit{N: maxReplyProblem}.Cut(fit(err.Error()))
		use := reply.Use
		out.Reply = hookswitch.Reply{}
		if f, ok := r.(hookswitch.Fallbacker); ok {
			out.Reply = f.Fallback(turn)
		}
		out.Reply.Use = use
		if dialogue && strings.TrimSpace(out.Reply.Text) == "" {
			out.Reply.Text, out.Reply.End = sender.Dialogue.WithDefaults().Apology, in.Channel == hookswitch.USSD
		}
	}
	if out.Unsolved = in.Unsolved + 1; out.Reply.Handover || !out.Reply.Unsolved {
		out.Unsolved = 0
	}
	out.Reply.Use.Kind, out.Reply.Use.Took = sender.Responder.Kind, out.Took
	return out, nil
}

// Replies lists what responders of an app were asked for.
func (s *Service) Replies(ctx context.Context, app hookswitch.Key, f store.ReplyFilter, p store.Page) ([]*hookswitch.ReplyRecord, error) {
	return s.store.Replies(ctx, app, f, p)
}

// ReplyStats is what responders of an app did in the last day.
type ReplyStats struct {
	Counts []store.ReplyCount
	// More says that there was more than was counted.
	More bool
}

// replySample is how many of the newest replies are counted, and replyTimes of how many the times are looked at.
const (
	replySample = 50_000
	replyTimes  = 2_000
)

// ReplyStats counts what responders of an app did in the last day.
func (s *Service) ReplyStats(ctx context.Context, app hookswitch.Key) (out ReplyStats, err error) {
	out.Counts, err = s.store.ReplyCounts(ctx, app, s.now().Add(-24*time.Hour), replySample)
	n := 0
	for _, c := range out.Counts {
		n += c.N
	}
	out.More = n >= replySample
	return out, err
}

// ReplyTimes are how long a half, and 95 of 100, of the newest answers of a sender's responder in the last day took. n is of how many; 0: there was none.
func (s *Service) ReplyTimes(ctx context.Context, app, sender hookswitch.Key) (half, most time.Duration, n int, err error) {
	times, err := s.store.ReplyTimes(ctx, app, sender, s.now().Add(-24*time.Hour), replyTimes)
	if n = len(times); n == 0 || err != nil {
		return 0, 0, 0, err
	}
	return times[(n-1)/2], times[(n-1)*95/100], n, nil
}

// FlowStats is how the newest sessions of a sender on a channel went.
type FlowStats struct {
	Since   time.Time
	Counts  []store.DialogueCount
	Screens []store.ScreenCount
	// More says that there were more sessions than were looked at.
	More bool
}

// flowSample is how many of the newest sessions are looked at.
const flowSample = 5_000

// FlowStats counts how the sessions of a sender on a channel went since so long ago.
func (s *Service) FlowStats(ctx context.Context, app, sender hookswitch.Key, ch hookswitch.Channel, within time.Duration) (out FlowStats, err error) {
	out.Since = s.now().Add(-within)
	if out.Counts, err = s.store.DialogueCounts(ctx, app, sender, ch, out.Since, flowSample); err != nil {
		return out, err
	}
	n := 0
	for _, c := range out.Counts {
		n += c.N
	}
	out.More = n >= flowSample
	out.Screens, err = s.store.ScreenCounts(ctx, app, sender, ch, out.Since, flowSample)
	return out, err
}
