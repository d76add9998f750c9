package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hookswitch/hookswitch"
)

const templateColumns = `id, app_id, name, language, body, category, status, definition, sender_id, provider_account, provider_id, provider_name, provider_namespace,
	provider_status, rejection_reason, created_at, updated_at`

// templateDefinition is what a template says beside its body, as stored.
type templateDefinition struct {
	Variables     []string                    `json:"variables,omitempty"`
	Buttons       []hookswitch.TemplateButton `json:"buttons,omitempty"`
	Footer        string                      `json:"footer,omitempty"`
	HeaderType    string                      `json:"headerType,omitempty"`
	HeaderContent string                      `json:"headerContent,omitempty"`
	SMSBody       string                      `json:"smsBody,omitempty"`
	TelegramBody  string                      `json:"telegramBody,omitempty"`
	InstagramBody string                      `json:"instagramBody,omitempty"`
	Security      bool                        `json:"security,omitempty"`
	Expiration    int                         `json:"expiration,omitempty"`
	Named         bool                        `json:"named,omitempty"`
}

func definitionText(t *hookswitch.Template) (string, error) {
	b, err := json.Marshal(templateDefinition{Variables: t.Variables, Buttons: t.Buttons, Footer: t.Footer, HeaderType: t.HeaderType, HeaderContent: t.HeaderContent, SMSBody: t.SMSBody,
		TelegramBody: t.TelegramBody, InstagramBody: t.InstagramBody, Security: t.AddSecurityRecommendation, Expiration: t.CodeExpirationMinutes, Named: t.Named})
	return string(b), err
}

func scanTemplate(row rowScanner) (*hookswitch.Template, error) {
	var t hookswitch.Template
	var definition string
	var created, updated int64
	p := &t.Provider
	if err := row.Scan(&t.Key, &t.App, &t.Name, &t.Language, &t.Body, &t.Category, &t.Status, &definition, &t.Sender, &p.Account, &p.ID, &p.Name, &p.Namespace, &p.Status,
		&t.RejectionReason, &created, &updated); err != nil {
		return nil, err
	}
	var d templateDefinition
	if err := json.Unmarshal([]byte(definition), &d); err != nil {
		return nil, fmt.Errorf("read the definition of a template: %w", err)
	}
	t.Variables, t.Buttons, t.Footer, t.HeaderType, t.HeaderContent = d.Variables, d.Buttons, d.Footer, d.HeaderType, d.HeaderContent
	t.SMSBody, t.TelegramBody, t.InstagramBody, t.AddSecurityRecommendation, t.CodeExpirationMinutes = d.SMSBody, d.TelegramBody, d.InstagramBody, d.Security, d.Expiration
	t.Named = d.Named
	t.CreatedAt, t.UpdatedAt = fromMillis(created), fromMillis(updated)
	return &t, nil
}

// Template is a template of an app.
func (r *Reader) Template(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Template, error) {
	t, err := scanTemplate(r.q.QueryRowContext(ctx, `SELECT `+templateColumns+` FROM templates WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return t, readErr(err, "template")
}

// Templates lists the templates of an app, those of one status where it is not empty.
func (r *Reader) Templates(ctx context.Context, app hookswitch.Key, status hookswitch.TemplateStatus, p Page) ([]*hookswitch.Template, error) {
	args, where := []any{int64(app)}, ""
	if status != "" {
		args, where = append(args, string(status)), " AND status = $2"
	}
	return scanAll(ctx, r, scanTemplate, `SELECT `+templateColumns+` FROM templates WHERE app_id = $1`+where+p.clause("id", &args), args...)
}

// TemplatesOf are the templates of an app that a provider's one may be: those that the account has under its id and, where there are none, those of its name and language, the oldest first.
func (r *Reader) TemplatesOf(ctx context.Context, app hookswitch.Key, account, providerID, name, language string) ([]*hookswitch.Template, error) {
	if providerID != "" {
		list, err := scanAll(ctx, r, scanTemplate, `SELECT `+templateColumns+` FROM templates WHERE provider_id = $1 AND provider_id <> '' AND app_id = $2 AND provider_account = $3 ORDER BY id`,
			providerID, int64(app), account)
		if err != nil || len(list) > 0 {
			return list, err
		}
	}
	return scanAll(ctx, r, scanTemplate, `SELECT `+templateColumns+` FROM templates WHERE app_id = $1 AND name = $2 AND language = $3 ORDER BY id`, int64(app), name, language)
}

// InsertTemplate stores a new template.
func (tx *Tx) InsertTemplate(t *hookswitch.Template) error {
	definition, err := definitionText(t)
	if err != nil {
		return err
	}
	p := &t.Provider
	_, err = tx.exec(`INSERT INTO templates (`+templateColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		int64(t.Key), int64(t.App), t.Name, t.Language, t.Body, string(t.Category), string(t.Status), definition, int64(t.Sender), clean(p.Account), clean(p.ID), clean(p.Name),
		clean(p.Namespace), clean(p.Status), clean(t.RejectionReason), millis(t.CreatedAt), millis(t.UpdatedAt))
	return err
}

// UpdateTemplate stores what may change of a template, as long as its status is still from. Otherwise the error is of kind Conflict.
func (tx *Tx) UpdateTemplate(t *hookswitch.Template, from hookswitch.TemplateStatus) error {
	p := &t.Provider
	n, err := tx.exec(`UPDATE templates SET category = $3, status = $4, sender_id = $5, provider_account = $6, provider_id = $7, provider_name = $8, provider_namespace = $9, provider_status = $10,
		rejection_reason = $11, updated_at = $12 WHERE id = $1 AND app_id = $2 AND status = $13`,
		int64(t.Key), int64(t.App), string(t.Category), string(t.Status), int64(t.Sender), clean(p.Account), clean(p.ID), clean(p.Name), clean(p.Namespace), clean(p.Status),
		clean(t.RejectionReason), millis(t.UpdatedAt), string(from))
	if err == nil && n == 0 {
		return hookswitch.Errorf(hookswitch.Conflict, "the template has changed meanwhile")
	}
	return err
}

// DeleteTemplate removes a template of an app.
func (tx *Tx) DeleteTemplate(app, key hookswitch.Key) error {
	return tx.execOne("template", `DELETE FROM templates WHERE id = $1 AND app_id = $2`, int64(key), int64(app))
}
