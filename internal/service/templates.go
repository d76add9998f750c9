package service

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// CreateTemplate stores a new template of an app, a draft. Where the same request has been made before, that one's template is returned.
func (s *Service) CreateTemplate(ctx context.Context, app hookswitch.Key, t hookswitch.Template, idem Idempotency) (*hookswitch.Template, error) {
	t.App, t.Status, t.Category = app, hookswitch.TemplateDraft, cmp.Or(t.Category, hookswitch.TemplateUtility)
	if err := t.Validate(); err != nil {
		return nil, err
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		t.Key, t.CreatedAt = s.keys.Next(), s.now().UTC()
		t.UpdatedAt = t.CreatedAt
		if err := idem.claim(tx, t.Key, s); err != nil {
			return err
		}
		if _, err := tx.App(tx.Context(), app); err != nil {
			return err
		}
		return tx.InsertTemplate(&t)
	})
	if ref, again := replayed(err); again {
		return s.store.Template(ctx, app, ref)
	}
	return &t, err
}

// Template is the template of an app with the id.
func (s *Service) Template(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Template, error) {
	key, ok := s.ids.Parse(hookswitch.KindTemplate, id)
	if !ok {
		return nil, hookswitch.NotFoundf("template not found")
	}
	return s.store.Template(ctx, app, key)
}

// Templates lists the templates of an app, those of one status where it is not empty.
func (s *Service) Templates(ctx context.Context, app hookswitch.Key, status hookswitch.TemplateStatus, p store.Page) ([]*hookswitch.Template, error) {
	return s.store.Templates(ctx, app, status, p)
}

// DeleteTemplate removes a template of an app. What a provider has of it stays there.
func (s *Service) DeleteTemplate(ctx context.Context, app hookswitch.Key, id string) error {
	t, err := s.Template(ctx, app, id)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteTemplate(app, t.Key) })
}

// registrar is the route of a sender over which templates are submitted, and the provider that decides on them there. They are nil where the operator decides: the sender has no account at such a
// provider.
func (s *Service) registrar(sender *hookswitch.Sender) (*hookswitch.Route, hookswitch.TemplateRegistrar) {
	for i := range sender.Routes {
		r := &sender.Routes[i]
		if p, ok := s.providers[r.Provider].(hookswitch.TemplateRegistrar); ok && r.Channel == hookswitch.WhatsApp && p.TemplateAccount(r) != "" {
			return r, p
		}
	}
	return nil, nil
}

// errNotDraft refuses to submit a template a second time.
func errNotDraft(t *hookswitch.Template) error {
	return hookswitch.Errorf(hookswitch.Invalid, "only a draft can be submitted, and the template is %s already", t.Status)
}

// SubmitTemplate hands a draft in for approval, with the sender of the id. A category that is not empty becomes the template's. Where the sender has an account at a provider that decides on
// templates it is asked in this call, else the operator decides.
func (s *Service) SubmitTemplate(ctx context.Context, app hookswitch.Key, id, senderID string, category hookswitch.TemplateCategory) (*hookswitch.Template, error) {
	if senderID == "" {
		return nil, hookswitch.InvalidField("is required", "senderId")
	}
	if category != "" && !slices.Contains(hookswitch.TemplateCategories, category) {
		return nil, hookswitch.InvalidField("must be UTILITY, MARKETING or AUTHENTICATION", "category")
	}
	t, err := s.Template(ctx, app, id)
	if err != nil {
		return nil, err
	}
	sender, err := s.Sender(ctx, app, senderID)
	if err != nil {
		return nil, err
	}
	if t.Status != hookswitch.TemplateDraft {
		return nil, errNotDraft(t)
	}
	t.Category = cmp.Or(category, t.Category)
	if err := checkCode(t); err != nil {
		return nil, err
	}
	var news hookswitch.TemplateNews
	if route, p := s.registrar(sender); p != nil {
		if news, err = submitTemplate(ctx, p, route, t); err != nil {
			return nil, err
		}
	}
	err = s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) (err error) {
		if t, err = tx.Template(tx.Context(), app, t.Key); err != nil {
			return err
		}
		if t.Status != hookswitch.TemplateDraft {
			return errNotDraft(t)
		}
		t.Category, t.Sender = cmp.Or(category, t.Category), sender.Key
		decided, reason := news.Status, news.Reason
		if early := hookswitch.TemplateStatusOf(t.Provider.Status); early != "" && t.Provider.ID != "" && t.Provider.ID == news.ID {
			decided, reason, news.Word = early, t.RejectionReason, t.Provider.Status // the decision was told before this transaction began
		}
		noteProvider(t, &news)
		if err := b.templateStatus(tx, t, hookswitch.TemplatePending, ""); err != nil {
			return err
		}
		if decided == "" {
			return nil
		}
		return b.templateStatus(tx, t, decided, reason)
	})
	return t, err
}

// checkCode refuses what only templates for authentication can have.
func checkCode(t *hookswitch.Template) error {
	if t.Category == hookswitch.TemplateAuthentication {
		return nil
	}
	only := func(path ...string) error {
		return hookswitch.InvalidField("goes with the category AUTHENTICATION only", path...)
	}
	switch {
	case t.AddSecurityRecommendation:
		return only("addSecurityRecommendation")
	case t.CodeExpirationMinutes > 0:
		return only("codeExpirationMinutes")
	case slices.ContainsFunc(t.Buttons, func(b hookswitch.TemplateButton) bool { return b.Type == hookswitch.ButtonOTP }):
		return only("buttons")
	}
	return nil
}

// submitTemplate hands a template in at the provider. When the account has it already, handed in before without our hearing of it or by hand, what has become of that one is the answer.
func submitTemplate(ctx context.Context, p hookswitch.TemplateRegistrar, route *hookswitch.Route, t *hookswitch.Template) (hookswitch.TemplateNews, error) {
	news, err := p.SubmitTemplate(ctx, route, t)
	if hookswitch.KindOf(err) != hookswitch.Conflict {
		return news, err
	}
	list, listErr := p.Templates(ctx, route)
	if listErr != nil {
		return news, listErr
	}
	for _, there := range list {
		if there.Name == t.Name && there.Language == t.Language {
			return hookswitch.TemplateNews{Account: there.Provider.Account, ID: there.Provider.ID, Name: there.Name, Language: there.Language, Status: there.Status, Word: there.Provider.Status,
				Reason: there.RejectionReason}, nil
		}
	}
	var known *hookswitch.Error
	if errors.As(err, &known) {
		return news, hookswitch.Errorf(hookswitch.Invalid, "%s", known.Message)
	}
	return news, err
}

// noteProvider notes at a template what the provider knows it as.
func noteProvider(t *hookswitch.Template, news *hookswitch.TemplateNews) {
	p := &t.Provider
	p.Account, p.ID, p.Status = cmp.Or(news.Account, p.Account), cmp.Or(news.ID, p.ID), cmp.Or(news.Word, p.Status)
	p.Name = cmp.Or(news.Name, p.Name)
}

// templateStatus stores a template and, where its status changes, tells of it. What else has changed of the template is stored in any case.
func (b *births) templateStatus(tx *store.Tx, t *hookswitch.Template, next hookswitch.TemplateStatus, reason string) error {
	from := t.Status
	t.Status, t.UpdatedAt = next, b.now.UTC()
	if next != hookswitch.TemplateRejected {
		reason = ""
	}
	t.RejectionReason = reason
	if err := tx.UpdateTemplate(t, from); err != nil || next == from {
		return err
	}
	b.envelope(t.App, hookswitch.EventTemplateStatus, t.Sender, object{
		{"templateId", b.s.ids.Format(hookswitch.KindTemplate, t.Key)},
		{"templateName", t.Name},
		{"name", t.Name},
		{"language", t.Language},
		{"category", string(t.Category)},
		{"previousStatus", string(from)},
		{"currentStatus", string(next)},
		{"status", string(next)},
		{"rejectionReason", orNil(reason)},
	})
	return nil
}

// maxReason is how many characters a reason may have that an operator gives.
const maxReason = 1000

// ApproveTemplate is the operator's word that a submitted template may be sent. providerName is what the provider of the sender knows it as, where that is not its own name.
func (s *Service) ApproveTemplate(ctx context.Context, app hookswitch.Key, id, providerName string) (*hookswitch.Template, error) {
	if utf8.RuneCountInString(providerName) > hookswitch.MaxTemplateName {
		return nil, hookswitch.InvalidField("must have at most 512 characters", "providerName")
	}
	return s.decideTemplate(ctx, app, id, hookswitch.TemplateApproved, func(t *hookswitch.Template) string {
		t.Provider.Name, t.Provider.Status = cmp.Or(providerName, t.Provider.Name), "APPROVED"
		return ""
	})
}

// RejectTemplate is the operator's word that a submitted template may not be sent.
func (s *Service) RejectTemplate(ctx context.Context, app hookswitch.Key, id, reason string) (*hookswitch.Template, error) {
	if utf8.RuneCountInString(reason) > maxReason {
		return nil, hookswitch.InvalidField("must have at most 1000 characters", "reason")
	}
	return s.decideTemplate(ctx, app, id, hookswitch.TemplateRejected, func(t *hookswitch.Template) string {
		t.Provider.Status = "REJECTED"
		return reason
	})
}

// decideTemplate changes a template that waits for a decision. For any other the error is of kind Conflict.
func (s *Service) decideTemplate(ctx context.Context, app hookswitch.Key, id string, next hookswitch.TemplateStatus, change func(*hookswitch.Template) (reason string)) (*hookswitch.Template, error) {
	t, err := s.Template(ctx, app, id)
	if err != nil {
		return nil, err
	}
	err = s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) (err error) {
		if t, err = tx.Template(tx.Context(), app, t.Key); err != nil {
			return err
		}
		if t.Status != hookswitch.TemplatePending {
			return hookswitch.Errorf(hookswitch.Conflict, "the template is %s; only one that has been submitted can be decided on", t.Status)
		}
		return b.templateStatus(tx, t, next, change(t))
	})
	return t, err
}

// TemplateSync says what a reconciliation with the providers has led to.
type TemplateSync struct {
	Accounts int // reconciled
	Imported int // that only the provider had
	Linked   int // that both had under one name, and are known to be the same now
	Updated  int // whose status is another now
	Skipped  int // left as they were
	Errors   []string
}

// syncChunk bounds one transaction of a reconciliation.
const syncChunk = 100

// SyncTemplates makes the templates of an app what the providers' accounts of its senders have, or of the one sender with the id where it is not empty. What goes wrong with one account is told in
// the result, and does not keep the others from being done.
func (s *Service) SyncTemplates(ctx context.Context, app hookswitch.Key, senderID string) (TemplateSync, error) {
	var res TemplateSync
	var senders []*hookswitch.Sender
	if senderID != "" {
		sender, err := s.Sender(ctx, app, senderID)
		if err != nil {
			return res, err
		}
		if route, _ := s.registrar(sender); route == nil {
			res.Errors = append(res.Errors, "sender "+senderID+" has no WhatsApp Business Account that can be read")
		}
		senders = append(senders, sender)
	} else {
		list, err := s.store.Senders(ctx, app, store.Page{Limit: maxSenderSpecs, Ascending: true})
		if err != nil {
			return res, err
		}
		senders = list
	}
	done := make(map[string]bool)
	for _, sender := range senders {
		route, p := s.registrar(sender)
		if route == nil || done[route.Provider+" "+p.TemplateAccount(route)] {
			continue
		}
		account := p.TemplateAccount(route)
		done[route.Provider+" "+account] = true
		list, err := p.Templates(ctx, route)
		if err != nil {
			if ctx.Err() != nil {
				return res, err
			}
			var known *hookswitch.Error
			sentence := "the provider could not be asked"
			if errors.As(err, &known) && known.Message != "" {
				sentence = known.Message
			}
			res.Errors = append(res.Errors, "account "+account+": "+sentence)
			continue
		}
		for chunk := range slices.Chunk(list, syncChunk) {
			if err := s.syncTemplates(ctx, app, sender.Key, chunk, &res); err != nil {
				return res, err
			}
		}
		res.Accounts++
	}
	return res, nil
}

func (s *Service) syncTemplates(ctx context.Context, app, sender hookswitch.Key, list []*hookswitch.Template, res *TemplateSync) error {
	var sum TemplateSync
	err := s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		sum = TemplateSync{}
		for _, there := range list {
			if err := b.syncTemplate(tx, app, sender, there, &sum); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	res.Imported, res.Linked, res.Updated, res.Skipped = res.Imported+sum.Imported, res.Linked+sum.Linked, res.Updated+sum.Updated, res.Skipped+sum.Skipped
	return nil
}

func (b *births) syncTemplate(tx *store.Tx, app, sender hookswitch.Key, there *hookswitch.Template, sum *TemplateSync) error {
	same, err := tx.TemplatesOf(tx.Context(), app, there.Provider.Account, there.Provider.ID, there.Name, there.Language)
	if err != nil {
		return err
	}
	if len(same) == 0 {
		if there.Status != hookswitch.TemplateApproved && there.Status != hookswitch.TemplatePending {
			sum.Skipped++
			return nil
		}
		sum.Imported++
		t := *there
		now := b.now.UTC()
		t.Key, t.App, t.Sender, t.CreatedAt, t.UpdatedAt = b.s.keys.Next(), app, sender, now, now
		return tx.InsertTemplate(&t)
	}
	t := same[0]
	if i := slices.IndexFunc(same, func(t *hookswitch.Template) bool { return t.Provider.ID == "" }); i > 0 && t.Provider.ID != there.Provider.ID {
		t = same[i]
	}
	linked := t.Provider.ID != there.Provider.ID
	next := cmp.Or(there.Status, t.Status)
	if !linked && next == t.Status && t.Provider.Status == there.Provider.Status {
		sum.Skipped++
		return nil
	}
	if linked {
		sum.Linked++
	}
	switch {
	case next != t.Status:
		sum.Updated++
	case !linked:
		sum.Skipped++
	}
	t.Provider, t.Sender = there.Provider, cmp.Or(t.Sender, sender)
	return b.templateStatus(tx, t, next, there.RejectionReason)
}

// routesOfTemplate are the routes of an account, one for each app, whose templates a piece of news may be about.
func (a *Account) routesOfTemplate(news *hookswitch.TemplateNews) []*hookswitch.Route {
	p, ok := a.Provider.(hookswitch.TemplateRegistrar)
	if !ok {
		return nil
	}
	var out []*hookswitch.Route
	for i := range a.Routes {
		r := &a.Routes[i]
		if r.Channel == hookswitch.WhatsApp && p.TemplateAccount(r) == news.Account && !slices.ContainsFunc(out, func(o *hookswitch.Route) bool { return o.App == r.App }) {
			out = append(out, r)
		}
	}
	return out
}

// templateNews takes the provider's word on what has become of a template. With a draft it is only noted: it may be that of a submission whose answer is under way.
func (in *inbound) templateNews(u *hookswitch.Update, route *hookswitch.Route) error {
	news := u.Template
	same, err := in.tx.TemplatesOf(in.tx.Context(), route.App, news.Account, news.ID, news.Name, news.Language)
	if err != nil {
		return err
	}
	for _, t := range same {
		if t.Provider.ID != "" && news.ID != "" && t.Provider.ID != news.ID {
			continue
		}
		noteProvider(t, news)
		if t.Status == hookswitch.TemplateDraft {
			t.RejectionReason = news.Reason
			if err := in.tx.UpdateTemplate(t, hookswitch.TemplateDraft); err != nil {
				return err
			}
			continue
		}
		t.Category = cmp.Or(news.Category, t.Category)
		if err := in.b.templateStatus(in.tx, t, cmp.Or(news.Status, t.Status), cmp.Or(news.Reason, t.RejectionReason)); err != nil {
			return err
		}
	}
	return nil
}
