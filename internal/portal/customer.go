package portal

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var customerRoutes = []route{
	{in: tenant, method: "GET", path: "/customer", name: "Customer", nav: &nav{"Settings", "user"}, admin: true, handle: (*Pages).customer},
	{in: tenant, method: "POST", path: "/customer", name: "Change the customer", admin: true, handle: (*Pages).saveCustomer},
	{in: tenant, method: "GET", path: "/customer/export", name: "Export the customer", admin: true, stream: true, handle: (*Pages).exportCustomer},
	{in: tenant, method: "POST", path: "/customer/person", name: "Export or erase a person", under: "/customer", admin: true, handle: (*Pages).customerPerson},
	{in: tenant, method: "POST", path: "/customer/delete", name: "Delete the customer", under: "/customer", admin: true, handle: (*Pages).deleteCustomer},
}

// customerPage is what the operator knows of a customer, and may do to one.
type customerPage struct {
	*view
	Problems                                  ui.Problems
	Name, UID, Rate, BotName, BotRef, Company ui.Field
	Metadata                                  ui.Field
	Tiles                                     []ui.Tile
	Person                                    ui.Field
	Confirm                                   ui.Field
	Erased                                    []erasedRow
	Ask                                       *eraseAsk // nil: nobody is asked about
}

// eraseAsk is the person whom the operator is about to erase.
type eraseAsk struct {
	ID, Name, Known string
	Conversations   int
}

// erasedRow is a person who is being erased, or was.
type erasedRow struct {
	Who, Done string
	State     ui.Badge
	Task      *hookswitch.Task
}

// metadataLines are the metadata of an App as its form has them.
func metadataLines(a *hookswitch.App) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(a.Metadata)) {
		pairs = append(pairs, name+"="+a.Metadata[name])
	}
	return strings.Join(pairs, "\n")
}

// customerForm is what was typed, and what is wrong with it.
type customerForm struct {
	values, wrong map[string]string
	ask           *eraseAsk
}

func (p *Pages) customer(v *view) error { return p.showCustomer(v, http.StatusOK, customerForm{}) }

func (p *Pages) showCustomer(v *view, status int, in customerForm) error {
	a := v.App
	rate := ""
	if a.ThrottleRate > 0 {
		rate = strconv.Itoa(a.ThrottleRate)
	}
	field := func(name, label, value, hint, holder string, optional bool) ui.Field {
		if in.values != nil {
			if typed, ok := in.values[name]; ok {
				value = typed
			}
		}
		return ui.Field{ID: name, Name: name, Label: label, Value: value, Problem: in.wrong[name], Hint: hint, Holder: holder, Optional: optional, Required: !optional, Autocomplete: "off"}
	}
	page := &customerPage{view: v,
		Name:     field("name", "Name", a.Name, "", "Acme Ltd", false),
		UID:      field("uid", "Your own id for it", a.UID, "It can be used in place of ours.", "acme", true),
		Rate:     field("throttleRate", "Deliveries a second to each endpoint", rate, "For endpoints that set no rate themselves. Empty: as many as they take.", "50", true),
		BotName:  field("botName", "Name of the bot", a.BotName, "In *.respond events.", "Acme bot", true),
		BotRef:   field("botRef", "Your reference of the bot", a.BotRef, "In *.respond events.", "", true),
		Company:  field("companyId", "Id of the company", a.CompanyID, "In *.respond events.", "", true),
		Metadata: field("metadata", "Metadata", metadataLines(a), "A name=value a line.", "plan=gold", true),
		Person:   field("person", "Contact", "", "An id, or a phone number with +.", "+254712345678", false),
		Confirm:  field("confirm", "Type the name of the application to delete it", "", "", a.Name, false),
	}
	page.Ask = in.ask
	page.Metadata.Kind, page.Metadata.Rows, page.Metadata.Mono, page.UID.Mono, page.Rate.Kind, page.Person.Mono = "textarea", 3, true, true, "number", true
	title := "The customer was not changed"
	if in.wrong["person"] != "" {
		title = "Nobody was exported or erased"
	}
	if in.wrong["confirm"] != "" {
		title = "The application was not deleted"
	}
	fieldProblems(&page.Problems, title, in.wrong, &page.Name, &page.UID, &page.Rate, &page.BotName, &page.BotRef, &page.Company, &page.Metadata, &page.Person, &page.Confirm)
	events, bytes, err := p.svc.AppVolume(v.ctx(), a.Key)
	if err != nil {
		return err
	}
	limit, kept := "no limit", "for ever"
	if keep := p.svc.Retention(); keep > 0 {
		kept = "for " + ui.Span(keep)
	}
	if a.ThrottleRate > 0 {
		limit = strconv.Itoa(a.ThrottleRate) + " a second"
	}
	page.Tiles = []ui.Tile{{Name: "Events, 24 h", Value: ui.Count(events), Note: ui.Bytes(bytes) + " of payload"}, {Name: "To each endpoint", Value: limit},
		{Name: "Events are kept", Value: kept}, {Name: "Customer since", Value: ui.Ago(a.CreatedAt, v.Now)}}
	if err := page.erased(); err != nil {
		return err
	}
	v.Shell.Title = "Customer"
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID(), "hookswitch app get "+v.AppID())
	return v.write(status, "dashboard/customer", page)
}

// maxErased is how many of the last erasures are shown.
const maxErased = 5

// erased fills in who is being erased, and who was lately.
func (c *customerPage) erased() error {
	tasks, err := c.p.svc.Tasks(c.ctx(), store.TaskFilter{App: c.App.Key, Kind: hookswitch.TaskPurgeContent}, store.Page{Limit: maxErased})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		row := erasedRow{Who: "All payloads", Task: t, Done: ui.Plural(int(t.Done), "payload") + " removed", State: ui.Badge{Tone: ui.Good, Word: "Done"}}
		if person := service.ErasedPerson(t); person != 0 {
			row.Who = c.ID(hookswitch.KindContact, person)
		}
		switch {
		case t.Status == hookswitch.TaskRunning:
			row.State = ui.Badge{Tone: ui.Info, Word: "Under way", Icon: "clock"}
		case t.Status == hookswitch.TaskFailed, t.Canceled:
			row.State = ui.Badge{Tone: ui.Bad, Word: "Ended early"}
		}
		c.Erased = append(c.Erased, row)
	}
	return nil
}

func (p *Pages) saveCustomer(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in := customerForm{values: make(map[string]string), wrong: make(map[string]string)}
	for _, name := range []string{"name", "uid", "throttleRate", "botName", "botRef", "companyId", "metadata"} {
		in.values[name] = strings.TrimSpace(form.Get(name))
	}
	rate := 0
	if text := in.values["throttleRate"]; text != "" {
		if rate, err = strconv.Atoi(text); err != nil || rate < 0 {
			in.wrong["throttleRate"] = "must be a whole number"
		}
	}
	pairs, kept := make(map[string]string), untouched(in.values["metadata"], metadataLines(v.App), true) // programs give values of several lines
	for line := range strings.Lines(in.values["metadata"]) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if name = strings.TrimSpace(name); !kept && (!ok || name == "") {
			in.wrong["metadata"] = "must have a name=value in each line"
			continue
		}
		pairs[name] = strings.TrimSpace(value)
	}
	if len(in.wrong) == 0 {
		_, err = p.svc.UpdateApp(v.ctx(), v.App.Key, func(a *hookswitch.App) error {
			if kept {
				pairs = a.Metadata
			}
			a.Name, a.UID, a.ThrottleRate, a.BotName, a.BotRef, a.CompanyID, a.Metadata = in.values["name"], in.values["uid"], rate, in.values["botName"], in.values["botRef"], in.values["companyId"], pairs
			return nil
		})
		if hookswitch.KindOf(err) == hookswitch.Conflict {
			in.wrong["uid"] = "is another application's already"
		} else if err != nil && !noteFields(err, in.wrong, map[string]string{"name": "name", "uid": "uid", "throttleRate": "throttleRate", "metadata": "metadata"}) {
			return err
		}
	}
	if len(in.wrong) > 0 {
		return p.showCustomer(v, http.StatusUnprocessableEntity, in)
	}
	return v.done(v.Page("customer"), ui.Good, "Saved what you know of "+excerpt(in.values["name"], maxShownName)+".")
}

// exportCustomer downloads what is kept about the customer, or about one person of theirs.
func (p *Pages) exportCustomer(v *view) error {
	var person hookswitch.Key
	name := "customer"
	if ref := v.query("person"); ref != "" {
		c, err := p.svc.ContactNamed(v.ctx(), v.App.Key, ref)
		if err != nil {
			return err
		}
		person, name = c.Key, "person"
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("Content-Disposition", `attachment; filename="`+name+"-"+v.Now.UTC().Format("20060102-150405")+`.ndjson"`)
	rc := http.NewResponseController(v.w)
	lines := 0
	return p.svc.Export(v.ctx(), v.App.Key, person, func(line []byte) error {
		if lines++; lines%exportPage == 1 {
			_ = rc.SetWriteDeadline(p.now().Add(writeTime)) // a writer without deadlines has none to move
		}
		_, err := v.w.Write(append(line, '\n'))
		return err
	})
}

// customerPerson exports or erases a person.
func (p *Pages) customerPerson(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	ref := strings.TrimSpace(form.Get("person"))
	c, err := p.svc.ContactNamed(v.ctx(), v.App.Key, ref)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return p.showCustomer(v, http.StatusUnprocessableEntity, customerForm{values: map[string]string{"person": ref}, wrong: map[string]string{"person": "is nobody that this application knows"}})
	}
	if err != nil {
		return err
	}
	id := v.ID(hookswitch.KindContact, c.Key)
	switch form.Get("do") {
	case "really":
	case "erase":
		ask := &eraseAsk{ID: id, Name: excerpt(cmp.Or(c.DisplayName, c.Name, id), maxShownName), Known: "nothing"}
		var known []string
		for _, one := range c.Identifiers {
			known = append(known, excerpt(one.Value, maxShownName))
		}
		if known != nil {
			slices.Sort(known)
			ask.Known = strings.Join(slices.Compact(known), ", ")
		}
		with, err := p.svc.ConversationsWith(v.ctx(), c)
		if err != nil {
			return err
		}
		ask.Conversations = len(with)
		return p.showCustomer(v, http.StatusOK, customerForm{values: map[string]string{"person": ref}, ask: ask})
	default:
		return seeOther(v.w, v.Page("customer", "export")+"?person="+id)
	}
	if _, err := p.svc.ErasePerson(v.ctx(), v.App.Key, id); err != nil {
		return err
	}
	return v.done(v.Page("customer"), ui.Good, "Erasing "+id+" has begun. It goes on by itself, and is shown below.")
}

func (p *Pages) deleteCustomer(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	oneLine := func(s string) string { return strings.Join(strings.Fields(s), " ") } // as pages show names
	if oneLine(form.Get("confirm")) != oneLine(v.App.Name) {
		return p.showCustomer(v, http.StatusUnprocessableEntity, customerForm{values: map[string]string{"confirm": form.Get("confirm")}, wrong: map[string]string{"confirm": "is not the name of the application"}})
	}
	name := excerpt(v.App.Name, maxShownName)
	if err := p.svc.DeleteApp(v.ctx(), v.App.Key); err != nil {
		return err
	}
	return v.done(dashboardRoot+"/apps", ui.Good, "Deleted "+name+". Nothing is sent to its endpoints any more, its keys open nothing, and what it had is removed within hours.")
}
