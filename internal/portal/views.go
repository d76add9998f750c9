package portal

import (
	"encoding/base64"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var viewsRoutes = []route{
	{in: appPages, method: "POST", path: "/views", name: "Keep a view", handle: (*Pages).keepView},
}

// savedView is a filter that somebody has given a name. It is kept in their browser, and is nobody else's.
type savedView struct {
	App   string `json:"a"` // the end of its id: the browser may know several
	List  string `json:"l"` // deliveries or logs; deliveries are of any endpoint
	Name  string `json:"n"`
	Query string `json:"q"`
}

const (
	viewsCookie = "hookswitch-views"
	viewsLife   = 365 * 24 * time.Hour
	// maxViews is how many a browser keeps, and maxViewsText how many bytes they may have together: cookies have 4096.
	maxViews     = 20
	maxViewsText = 3000
	maxViewName  = 40
	appMark      = 8
)

func (v *view) appMark() string {
	id := v.AppID()
	return id[len(id)-appMark:]
}

// views are those of the browser, of all its Apps.
func (v *view) views() (list []savedView) {
	b, err := base64.RawURLEncoding.DecodeString(v.cookie(viewsCookie))
	if err != nil || len(b) == 0 || json.Unmarshal(b, &list) != nil {
		return nil
	}
	return list[:min(len(list), maxViews)]
}

// offerViews puts the views of the list into its filter bar, and the form that keeps the one in effect.
func (f *found) offerViews(at string, url func(q string) string) {
	list, query := path.Base(at), f.query.String()
	keep := &ui.Keep{URL: f.Page("views"), Fields: map[string]string{"list": list, "q": query, "back": f.Here()}}
	for _, s := range f.views() {
		if s.App != f.appMark() || s.List != list {
			continue
		}
		current := s.Query == query
		f.Filter.Views = append(f.Filter.Views, ui.SavedView{Name: s.Name, URL: url(s.Query), Current: current})
		if current {
			keep.Kept, keep.Fields["name"] = s.Name, s.Name
		}
	}
	if query != "" {
		f.Filter.Keep = keep
	}
}

// keepView keeps a view under a name, or throws it away.
func (p *Pages) keepView(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	back := local(form.Get("back"), v.Base)
	one := savedView{App: v.appMark(), List: form.Get("list"), Name: excerpt(form.Get("name"), maxViewName), Query: strings.TrimSpace(form.Get("q"))}
	if one.List != "deliveries" && one.List != "logs" {
		return hookswitch.InvalidField("must be deliveries or logs", "list")
	}
	q, wrong := filter.Parse(one.Query, v.Now)
	if one.Name == "" || q.Empty() || len(wrong) > 0 {
		return v.done(back, ui.Warn, "Nothing was kept: a view has a name, and conditions that are understood.")
	}
	one.Query = q.String()
	list := slices.DeleteFunc(v.views(), func(s savedView) bool { return s.App == one.App && s.List == one.List && s.Name == one.Name })
	said := "The view “" + one.Name + "” is forgotten."
	if form.Get("do") != "forget" {
		list, said = append(list, one), "Kept as “"+one.Name+"” in this browser. It stands above the list."
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if len(list) > maxViews || len(b) > maxViewsText {
		return v.done(back, ui.Warn, "This browser keeps no more views: forget one first.")
	}
	v.setCookie(viewsCookie, base64.RawURLEncoding.EncodeToString(b), viewsLife)
	return v.done(back, ui.Good, said)
}

// maxSuggested is how many event types and endpoints are suggested.
const maxSuggested = 100

// suggest lists the conditions that can be written into the filter bar of a list; endpoints too, where it is about all of them.
func (f *found) suggest(endpoints bool) error {
	add := func(name string, values ...string) {
		for _, value := range values {
			f.Filter.Suggest = append(f.Filter.Suggest, filter.Term{Name: name, Value: value}.String())
		}
	}
	add(filter.Status, filter.Statuses...)
	add(filter.Code, "2xx", "3xx", "4xx", "5xx", "none", "401", "403", "404", "410", "429", "500", "502", "503", "504")
	add(filter.After, "15m", "1h", "24h", "7d")
	add(filter.Before, "1h", "24h")
	for _, c := range hookswitch.Channels {
		add(filter.Channel, string(c))
	}
	types, err := f.p.svc.EventTypes(f.ctx(), service.EventTypeQuery{}, store.NamePage{Limit: maxSuggested, Ascending: true})
	if err != nil {
		return err
	}
	for _, t := range types {
		if group, _, ok := strings.Cut(t.Name, "."); ok && !slices.Contains(f.Filter.Suggest, filter.Type+":"+group+".*") {
			add(filter.Type, group+".*")
		}
		add(filter.Type, t.Name)
	}
	if !endpoints {
		return nil
	}
	list, err := f.p.svc.Endpoints(f.ctx(), f.App.Key, store.Page{Limit: maxSuggested})
	if err != nil {
		return err
	}
	for _, e := range list {
		if name := endpointName(e); !strings.HasSuffix(name, "…") {
			add(filter.Endpoint, name)
		}
	}
	return nil
}
