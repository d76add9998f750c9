package service

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
)

// DialogueTimeout is how long a responder may take for an answer in a call or a USSD session, unless Options say otherwise.
const DialogueTimeout = 5 * time.Second

const (
	// stepMargin is how long after its time a step is taken for abandoned: its answer has to be stored too.
	stepMargin = 2 * time.Second
	// stepPoll is how often a step that another node runs is looked at.
	stepPoll = 50 * time.Millisecond
	// moreKey is what shows the next page of an answer that is longer than a screen, and moreLine how it is offered.
	moreKey  = "98"
	moreLine = "\n" + moreKey + " More"
	// maxSilences is how often in a row a caller may say nothing.
	maxSilences = 3
	// maxSessionID is the greatest length of a provider's id of a dialogue, in bytes.
	maxSessionID = 255
)

// Ask runs a responder. Its context ends when the time for the answer is over. Beside an error it returns what the responder has to say to its own failure.
type Ask func(ctx context.Context, t *Turn) (hookswitch.Reply, error)

// Conversed is what a step of a dialogue has led to.
type Conversed struct {
	Reply hookswitch.DialogueReply
	// Repeat says that it is the answer to the same step as before.
	Repeat bool
	// Stray says that the step belongs to no route.
	Stray bool
}

// Dialogues lists the USSD sessions and calls of an app.
func (s *Service) Dialogues(ctx context.Context, app hookswitch.Key, f store.DialogueFilter, p store.Page) ([]*hookswitch.Dialogue, error) {
	return s.store.Dialogues(ctx, app, f, p)
}

// maxDialogueSteps is how many steps of one dialogue are shown.
const maxDialogueSteps = 500

// Dialogue is the USSD session or call of an app with the id, and its steps in their order.
func (s *Service) Dialogue(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Dialogue, []store.DialogueStep, error) {
	key, ok := s.ids.Parse(hookswitch.KindDialogue, id)
	if !ok {
		return nil, nil, hookswitch.NotFoundf("there is no such session or call")
	}
	d, err := s.store.DialogueByKey(ctx, app, key)
	if err != nil {
		return nil, nil, err
	}
	steps, err := s.store.DialogueSteps(ctx, key, maxDialogueSteps)
	return d, steps, err
}

// Converse answers a step of a call or a USSD session, u, which is one of the push's updates. The step is stored, with the message that it is and the events that
// follow; the responder is asked through ask, where there is something to ask it; its answer is stored; and then it is returned. The same step gets the same answer
// however often it comes, also at the same time and on several nodes: a repeat waits for the one that runs, and runs again what was abandoned.
func (s *Service) Converse(ctx context.Context, r Received, u *hookswitch.Update, ask Ask) (Conversed, error) {
	route := r.Account.match(u)
	if route != nil && len(u.Dialogue.Session) > maxSessionID {
		route = nil
	}
	if route == nil {
		return s.strayStep(ctx, &r, strayReason(u))
	}
	unlock, err := s.sessions.lock(ctx, sessionKey{route.Key, u.Dialogue.Session})
	if err != nil {
		return Conversed{}, busySession(err)
	}
	defer unlock()
	for {
		run, err := s.beginStep(ctx, &r, u, route)
		switch {
		case hookswitch.KindOf(err) == hookswitch.NotFound:
			return s.strayStep(ctx, &r, deletedApp)
		case err != nil:
			return Conversed{}, err
		case run.wait:
			if err := pause(ctx, stepPoll); err != nil {
				return Conversed{}, busySession(err)
			}
			continue
		case run.turn == nil:
			return Conversed{Reply: run.reply, Repeat: run.repeat}, nil
		}
		reply, failure := s.ask(ctx, ask, run)
		if failure != nil {
			s.log.Warn("respond in a dialogue", "error", failure, "sender_id", s.ids.Format(hookswitch.KindSender, route.Sender), "channel", string(u.Channel))
		}
		out, err := s.finishStep(ctx, u, run, reply, failure)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return s.strayStep(ctx, &r, deletedApp)
		}
		return out, err
	}
}

const deletedApp = "its application has been deleted"

// strayStep keeps the push of a step aside, and ends the dialogue.
func (s *Service) strayStep(ctx context.Context, r *Received, reason string) (Conversed, error) {
	s.counts.Stray.Add(1)
	out := Conversed{Stray: true, Reply: hookswitch.DialogueReply{Text: hookswitch.DialogueTexts{}.WithDefaults().Unavailable, End: true}}
	return out, s.KeepStray(ctx, r.Account.Provider.Name(), r.Door, reason, r.Body)
}

func strayReason(u *hookswitch.Update) string {
	if len(u.Dialogue.Session) > maxSessionID {
		return "could not be read: the id of its session has more than " + strconv.Itoa(maxSessionID) + " bytes"
	}
	return noRoute(u)
}

func busySession(err error) error {
	return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "the step before it is still being answered; send it again shortly", RetryAfter: time.Second, Err: err}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stepRun is what has to be done about a step: nothing but to answer, to wait for the node that runs it, or to ask the responder.
type stepRun struct {
	reply  hookswitch.DialogueReply
	repeat bool
	wait   bool
	turn   *Turn
	row    *store.DialogueStep
	app    hookswitch.Key
	route  hookswitch.Key
	conv   hookswitch.Key
}

// step is a step of a dialogue inside a transaction.
type step struct {
	*inbound
	u      *hookswitch.Update
	d      *hookswitch.Dialogue
	row    *store.DialogueStep
	conv   *hookswitch.Conversation
	sender *hookswitch.Sender // nil: it has been deleted
	texts  hookswitch.DialogueTexts
}

// beginStep stores a step that is new, and finds out what has to be done. It answers itself what no responder is needed for.
func (s *Service) beginStep(ctx context.Context, r *Received, u *hookswitch.Update, route *hookswitch.Route) (run stepRun, err error) {
	var begun *step
	var messages int
	err = s.update(ctx, []hookswitch.Key{route.App}, func(tx *store.Tx, b *births) error {
		run, begun = stepRun{app: route.App, route: route.Key}, nil
		var res ReceivedResult
		st := &step{inbound: &inbound{s: s, tx: tx, b: b, account: r.Account, at: r.At, res: &res}, u: u}
		defer func() { messages = len(res.Messages) }()
		var err error
		if st.d, err = st.dialogue(u, route, true); err != nil {
			return err
		}
		hash := stepHash(u)
		st.row, err = tx.DialogueStep(tx.Context(), st.d.Key, hash)
		known := err == nil
		if !known && st.silence() {
			hash = store.StepHash(st.d.Steps+1, "", "silence")
		}
		switch {
		case known && st.row.Answered && (st.row.Reply.End || !st.sessionOver()):
			run.reply, run.repeat = st.row.Reply, true
			return nil
		case err != nil && hookswitch.KindOf(err) != hookswitch.NotFound:
			return err
		case st.leasedElsewhere():
			run.wait = true
			return nil
		}
		if err := st.party(route); err != nil {
			return err
		}
		if !st.d.EndedAt.IsZero() {
			run.reply, run.repeat = hookswitch.DialogueReply{End: true}, known
			run.reply.Text, _ = page(st.texts.Over, true)
			return nil
		}
		if !known {
			if err := st.insert(route, hash); err != nil {
				return err
			}
		}
		if a, ok := st.withoutResponder(); ok {
			if err := st.answer(a); err != nil {
				return err
			}
			run.reply = st.row.Reply
			return nil
		}
		st.d.SeenAt, st.d.Node, st.d.LeaseUntil = b.now, s.store.Node().Number, b.now.Add(s.DialogueTimeout()+stepMargin)
		begun = st
		return tx.UpdateDialogue(st.d)
	})
	if err != nil {
		return run, err
	}
	s.counts.Received.Add(int64(messages))
	if begun != nil {
		run.row, run.conv = begun.row, begun.conv.Key
		run.turn, err = s.dialogueTurn(ctx, begun)
	}
	return run, err
}

// DialogueTimeout is how long a responder may take for an answer in a call or a USSD session.
func (s *Service) DialogueTimeout() time.Duration {
	return cmp.Or(s.o.DialogueTimeout, DialogueTimeout)
}

// stepHash is what a step is known by. All that was entered in a USSD session is; so is the answer that a step of a call follows, where it says that, and the first one, which
// says nothing.
func stepHash(u *hookswitch.Update) [16]byte {
	d := u.Dialogue
	switch {
	case u.Channel == hookswitch.USSD:
		return store.StepHash(0, d.Input, "")
	case d.Turn == 0 && d.Silent:
		return store.StepHash(0, "", "silent")
	case d.Turn > 0 || d.Input == "":
		return store.StepHash(d.Turn, "", "")
	}
	return store.StepHash(0, d.Input, u.Dedup)
}

// silence reports whether the step, which is new, is one of a caller who was asked something and has said nothing, though it does not say which answer it follows. Two such steps
// cannot be told from one that is repeated: each counts.
func (st *step) silence() bool {
	told := st.u.Dialogue
	return st.u.Channel == hookswitch.Voice && told.Silent && told.Turn == 0 && told.Input == "" && st.d.Asked > 0
}

// sessionOver reports whether the dialogue is a USSD session that has ended. Nothing in it may ask for more: there would be nobody to take the answer.
func (st *step) sessionOver() bool { return st.d.Channel == hookswitch.USSD && !st.d.EndedAt.IsZero() }

// leasedElsewhere reports whether another node runs a step of the dialogue. This one runs none: its steps take turns.
func (st *step) leasedElsewhere() bool {
	return st.d.Node != st.s.store.Node().Number && st.b.now.Before(st.d.LeaseUntil)
}

// dialogue finds the dialogue of an update, or makes it. begins says that a new one begins with the update, and does not only end.
func (in *inbound) dialogue(u *hookswitch.Update, route *hookswitch.Route, begins bool) (*hookswitch.Dialogue, error) {
	told := u.Dialogue
	d, err := in.tx.Dialogue(in.tx.Context(), route.Key, told.Session)
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return d, err
	}
	now := in.b.now.UTC()
	d = &hookswitch.Dialogue{
		Key: in.s.keys.Next(), App: route.App, Sender: route.Sender, Route: route.Key, Channel: u.Channel, Session: told.Session,
		Direction: cmp.Or(told.Direction, hookswitch.Inbound), From: told.From, To: told.To, Status: told.Progress, SeenAt: now, CreatedAt: now,
	}
	if err := in.tx.InsertDialogue(d); err != nil {
		return nil, err
	}
	if begins {
		in.b.dialogueStarted(d, u.At, in.at)
	}
	return d, nil
}

// party finds or makes the person and the conversation, and reads what the sender says.
func (st *step) party(route *hookswitch.Route) error {
	ctx, d := st.tx.Context(), st.d
	var err error
	if d.Conversation == 0 {
		if d.Contact, _, err = st.contact(route.App, st.u.Channel, st.person(), "", "", time.Time{}); err != nil {
			return err
		}
		if st.conv, err = conversation(st.s, st.tx, route.App, route.Sender, d.Contact, st.b.now.UTC()); err != nil {
			return err
		}
		d.Conversation = st.conv.Key
	} else if st.conv, err = st.tx.Conversation(ctx, d.App, d.Conversation); err != nil {
		return err
	}
	return st.says()
}

// says reads what the sender says.
func (st *step) says() error {
	var err error
	st.sender, err = st.tx.Sender(st.tx.Context(), st.d.App, st.d.Sender)
	switch {
	case hookswitch.KindOf(err) == hookswitch.NotFound:
		st.sender = nil
		st.texts = hookswitch.DialogueTexts{}.WithDefaults()
		return nil
	case err != nil:
		return err
	}
	st.texts = st.sender.Dialogue.WithDefaults()
	return nil
}

// person is whom we know the other end by. Who calls without showing a number is somebody new each time.
func (st *step) person() string { return cmp.Or(st.d.Person(), st.d.Session) }

// insert stores a step that is new, and the message that it is.
func (st *step) insert(route *hookswitch.Route, hash [16]byte) error {
	d, told := st.d, st.u.Dialogue
	row := &store.DialogueStep{Dialogue: d.Key, Hash: hash}
	if st.u.Channel == hookswitch.USSD {
		text := fit(told.Input)
		opens := text == "" && d.Steps == 0 && d.Text == ""
		if !opens {
			row.Number = d.Steps + 1
		}
		row.Input = entered(d.Text, text)
		d.Text = text
		st.row = row
		if !opens {
			if err := st.keep(route); err != nil {
				return err
			}
		}
	} else {
		row.Number, row.Input = told.Turn, fit(told.Input)
		if row.Number == 0 && (row.Input != "" || st.silence()) {
			row.Number = d.Steps + 1
		}
		st.row = row
		d.Status = callInProgress
		if row.Input != "" {
			if err := st.keep(route); err != nil {
				return err
			}
		}
	}
	d.Steps = max(d.Steps, row.Number)
	return st.tx.InsertDialogueStep(row)
}

// entered is what is new in text, all that was entered, when before was all until now.
func entered(before, text string) string {
	if before == "" {
		return text
	}
	if rest, ok := strings.CutPrefix(text, before+"*"); ok {
		return rest
	}
	return text[strings.LastIndexByte(text, '*')+1:] // the provider has begun anew
}

// fit makes text fit to be stored and compared with what was stored.
func fit(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

// keep stores the message that a step is. The responder is asked right here, and not later.
func (st *step) keep(route *hookswitch.Route) error {
	key := st.s.keys.Next()
	u := *st.u
	u.Message = &hookswitch.InboundMessage{
		ProviderID: st.d.Session + ":" + strconv.Itoa(st.row.Number), From: st.person(), To: st.d.Ours(), Text: st.row.Input, Type: "text",
		Metadata: st.u.Dialogue.Metadata, Quiet: true,
	}
	st.res.Messages = append(st.res.Messages, key)
	if err := st.message(&u, route, key); err != nil {
		return err
	}
	st.row.Message = key
	var err error
	st.conv, err = st.tx.Conversation(st.tx.Context(), st.d.App, st.d.Conversation)
	return err
}

// opens reports whether the dialogue has just begun and nothing was said or entered.
func (st *step) opens() bool { return st.row.Number == 0 }

// stepAnswer is what is said to a step.
type stepAnswer struct {
	text     string
	end      bool
	reason   string // of the end of a USSD session; "completed" unless set
	dial     bool
	handover bool
	rest     string // further pages
	state    string
	screen   string // of a flow
}

// withoutResponder is the answer to a step for which no responder is needed, or there is none.
func (st *step) withoutResponder() (stepAnswer, bool) {
	d, ussd := st.d, st.d.Channel == hookswitch.USSD
	silent := !ussd && st.row.Input == "" && !st.opens()
	switch {
	case st.conv.Handover:
		return st.handedOver(""), true
	case st.sender == nil || !st.sender.Answers(d.Channel):
		text := st.texts.Unavailable
		if !ussd {
			text = cmp.Or(st.texts.Greeting, text)
		}
		return stepAnswer{text: text, end: true}, true
	case silent && d.Silences+1 >= maxSilences:
		d.Silences++
		return stepAnswer{text: st.texts.Goodbye, end: true, state: d.State}, true
	case silent:
		d.Silences++
		return stepAnswer{text: st.texts.Silence, state: d.State}, true
	case d.Rest != "" && strings.TrimSpace(st.row.Input) == moreKey:
		return stepAnswer{text: d.Rest, state: d.State}, true
	case st.opens() && st.texts.Greeting != "":
		return stepAnswer{text: st.texts.Greeting}, true
	}
	return stepAnswer{}, false
}

// handedOver is what is said when a person takes over, or has taken over.
func (st *step) handedOver(text string) stepAnswer {
	return stepAnswer{text: cmp.Or(text, st.texts.Handover), end: true, dial: true, handover: true}
}

// replied is what is said when the responder has been asked.
func (st *step) replied(reply hookswitch.Reply, failure error) stepAnswer {
	ussd := st.d.Channel == hookswitch.USSD
	text := strings.TrimSpace(reply.Text)
	if st.conv.Handover { // a person has taken over meanwhile
		return st.handedOver("")
	}
	if st.sender != nil && slices.Contains(st.sender.Silenced, st.d.Channel) { // it has been switched off meanwhile
		return stepAnswer{text: st.texts.Unavailable, end: true}
	}
	if st.conv.Unsolved++; reply.Handover || !reply.Unsolved {
		st.conv.Unsolved = 0
	}
	switch {
	case reply.Handover:
		a := st.handedOver(text)
		a.screen = reply.Screen
		return a
	case failure != nil && ussd:
		return stepAnswer{text: cmp.Or(text, st.texts.Apology), end: true, reason: ussdError}
	case failure != nil:
		return stepAnswer{text: cmp.Or(text, st.texts.Apology), state: st.d.State}
	case text == "" && reply.End:
		text = st.texts.Goodbye
	case text == "" && st.opens():
		text = hookswitch.DefaultGreeting()
	case text == "" && ussd: // a screen without a question cannot be answered
		return stepAnswer{text: st.texts.Unavailable, end: true}
	case text == "":
		text = st.texts.Silence
	}
	return stepAnswer{text: text, end: reply.End, state: reply.State, screen: reply.Screen}
}

// answer stores what is said to the step: with it, on a screen of a USSD session, what is left for further ones.
func (st *step) answer(a stepAnswer) error {
	d, tx, now := st.d, st.tx, st.b.now.UTC()
	ussd := d.Channel == hookswitch.USSD
	reply := hookswitch.DialogueReply{Text: a.text, End: a.end}
	if ussd {
		reply.Text, a.rest = page(a.text, a.end)
	} else {
		reply.Text, _ = respond.LimitOf(hookswitch.Voice).Cut(a.text)
		if a.dial && st.sender != nil {
			reply.Dial = st.sender.Dialogue.Dial
		}
		if !a.end {
			reply.Turn = st.row.Number + 1
		}
		if st.row.Input != "" {
			d.Silences = 0
		}
	}
	if !d.EndedAt.IsZero() {
		reply.End, reply.Turn = true, 0 // the person has gone meanwhile
	}
	st.row.Reply, st.row.Screen = reply, a.screen
	if first, err := tx.AnswerDialogueStep(st.row); err != nil || !first {
		return err
	}
	if err := st.say(a, now); err != nil {
		return err
	}
	d.Rest, d.State, d.SeenAt, d.LeaseUntil = a.rest, a.state, now, time.Time{}
	if !reply.End {
		d.Asked++
	}
	if err := tx.UpdateDialogue(d); err != nil || !ussd || !reply.End {
		return err // a call is over when its provider says so
	}
	return st.b.endSession(tx, d, cmp.Or(a.reason, ussdCompleted), "", time.Time{}, st.at)
}

// say stores the answer as a message that has been sent.
func (st *step) say(a stepAnswer, now time.Time) error {
	d, conv := st.d, st.conv
	m := &hookswitch.Message{
		Key: st.s.keys.Next(), App: d.App, Sender: d.Sender, Route: d.Route, Conversation: conv.Key, Contact: conv.Contact, Direction: hookswitch.Outbound,
		Channel: d.Channel, Type: "text", Status: hookswitch.StatusSent, From: d.Ours(), To: st.person(), Text: st.row.Reply.Text, InReplyTo: st.row.Message,
		CreatedAt: now, UpdatedAt: now,
	}
	if err := st.tx.InsertMessage(m); err != nil {
		return err
	}
	conv.LastMessage, conv.UpdatedAt = m.Key, now
	conv.Messages++
	conv.Handover = conv.Handover || a.handover
	if err := st.tx.UpdateConversation(conv); err != nil {
		return err
	}
	st.b.envelope(m.App, hookswitch.EventMessageSent, m.Sender, statusData(st.s, m, hookswitch.StatusSent, nil))
	return nil
}

// finishStep stores what the responder has answered. Where another node was faster, its answer is the one.
func (s *Service) finishStep(ctx context.Context, u *hookswitch.Update, run stepRun, reply hookswitch.Reply, failure error) (out Conversed, err error) {
	err = s.update(ctx, []hookswitch.Key{run.app}, func(tx *store.Tx, b *births) error {
		out = Conversed{}
		st := &step{inbound: &inbound{s: s, tx: tx, b: b, at: b.now}, u: u}
		var err error
		if st.d, err = tx.Dialogue(tx.Context(), run.route, u.Dialogue.Session); err != nil {
			return err
		}
		if st.row, err = tx.DialogueStep(tx.Context(), st.d.Key, run.row.Hash); err != nil {
			return err
		}
		if st.row.Answered {
			out.Reply, out.Repeat = st.row.Reply, true
			return nil
		}
		if st.conv, err = tx.Conversation(tx.Context(), st.d.App, run.conv); err != nil {
			return err
		}
		if err := st.says(); err != nil {
			return err
		}
		r := &hookswitch.ReplyRecord{App: st.d.App, Sender: st.d.Sender, Conversation: st.conv.Key, Message: st.row.Message, Dialogue: st.d.Key, Channel: st.d.Channel, Try: 1, Use: reply.Use}
		if err := s.insertReply(tx, r, reply, st.conv.Handover, failure); err != nil {
			return err
		}
		err = st.answer(st.replied(reply, failure))
		out.Reply = st.row.Reply
		return err
	})
	if err != nil {
		return Conversed{}, err // what is not stored is not told
	}
	return out, nil
}

// ask runs the responder within its time.
func (s *Service) ask(ctx context.Context, ask Ask, run stepRun) (hookswitch.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.DialogueTimeout())
	defer cancel()
	began := s.now()
	reply, err := ask(ctx, run.turn)
	reply.Use.Kind, reply.Use.Took = run.turn.Responder.Kind, s.now().Sub(began)
	return reply, err
}

// dialogueTurn gathers what the responder needs for a step that has begun.
func (s *Service) dialogueTurn(ctx context.Context, st *step) (*Turn, error) {
	d := st.d
	t := &Turn{Responder: st.sender.Responder, Version: st.sender.UpdatedAt, Sender: st.sender.Key}
	t.Turn = hookswitch.Turn{
		App: s.ids.Format(hookswitch.KindApp, d.App), Sender: s.ids.Format(hookswitch.KindSender, d.Sender),
		Conversation: s.ids.Format(hookswitch.KindConversation, st.conv.Key), MessageID: s.ids.Format(hookswitch.KindMessage, st.row.Message),
		Channel: d.Channel, From: st.person(), Text: st.row.Input, Type: "text", At: st.b.now.UTC(), Opens: st.opens(), State: d.State,
		Unsolved: st.conv.Unsolved,
	}
	if err := s.remember(ctx, t, d.App, st.conv.Key, st.row.Message); err != nil {
		return nil, err
	}
	t.First = t.First && (st.opens() || d.Asked == 0) // else the person has been greeted
	return t, nil
}
