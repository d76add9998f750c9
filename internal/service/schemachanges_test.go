package service_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestCompareSchemas_TellsWhatReceiversMayTripOver(t *testing.T) {
	t.Parallel()
	const was = `{"type":"object","required":["id","total"],"properties":{"id":{"type":"string"},"total":{"type":"number","maximum":100},"state":{"enum":["open","paid"]},
		"lines":{"type":"array","items":{"$ref":"#/definitions/line"}}},"definitions":{"line":{"type":"object","properties":{"sku":{"type":"string","format":"uuid"}}}}}`
	for name, c := range map[string]struct {
		is   string
		want string // path: text, "!" before what breaks
	}{
		"nothing":            {was, ""},
		"a new member":       {strings.Replace(was, `"state":`, `"note":{"type":"string"},"state":`, 1), "note is new"},
		"a member gone":      {strings.Replace(was, `"id":{"type":"string"},`, "", 1), "!id is gone"},
		"no longer required": {strings.Replace(was, `"id","total"`, `"id"`, 1), "!total may be missing now"},
		"another type":       {strings.Replace(was, `"id":{"type":"string"}`, `"id":{"type":"integer"}`, 1), "!id is of type integer now, and was of type string"},
		"a narrower type":    {strings.Replace(was, `"type":"number"`, `"type":"integer"`, 1), "total is of type integer only, and was of type number"},
		"null":               {strings.Replace(was, `"id":{"type":"string"}`, `"id":{"type":["string","null"]}`, 1), "!id may be null now"},
		"one value more":     {strings.Replace(was, `"paid"`, `"paid","void"`, 1), `!state may be "void" now`},
		"one value less":     {strings.Replace(was, `"open","paid"`, `"paid"`, 1), `state is "open" no longer`},
		"a higher bound":     {strings.Replace(was, `"maximum":100`, `"maximum":200`, 1), "!total maximum is 200, and was 100"},
		"a lower bound":      {strings.Replace(was, `"maximum":100`, `"maximum":20`, 1), "total maximum is 20, and was 100"},
		"behind a reference": {strings.Replace(was, `"uuid"`, `"uri"`, 1), `!lines[].sku has the format "uri", and had "uuid"`},
	} {
		var got []string
		for _, one := range service.CompareSchemas([]byte(`{"1":`+was+`}`), []byte(`{"1":`+c.is+`}`)) {
			for _, change := range one.Changes {
				mark := ""
				if change.Breaking {
					mark = "!"
				}
				got = append(got, mark+change.Path+" "+change.Text)
			}
			if one.Breaks() != strings.Contains(strings.Join(got, ""), "!") {
				t.Errorf("%s: breaks: %t", name, one.Breaks())
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: got %q, want %q", name, strings.Join(got, "; "), c.want)
		}
	}
}

func TestCompareSchemas_ANewVersionIsComparedWithTheNewest(t *testing.T) {
	t.Parallel()
	before := `{"2":{"type":"object","properties":{"a":{}}},"10":{"type":"object","properties":{"b":{}}}}`
	got := service.CompareSchemas([]byte(before), []byte(strings.Replace(before, `"2":{"type":"object","properties":{"a":{}}},`, `"11":{"type":"object"},`, 1)))
	if len(got) != 2 || got[0].Version != "2" || !got[0].Gone || !got[0].Breaks() || got[1].Version != "11" || got[1].Against != "10" || got[1].Breaks() || len(got[1].Changes) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestCheckEventType_ComparesWithWhatThereIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		servicetest.Must(w.Service.CreateEventType(t.Context(), hookswitch.EventType{Name: "order.paid", Schemas: []byte(`{"1":{"type":"object","required":["a"]}}`)}, none))(t)
		if got := servicetest.Must(w.Service.CheckEventType(t.Context(), "order.paid", []byte(`{"1":{"type":"string"}}`)))(t); len(got) != 1 || !got[0].Breaks() {
			t.Errorf("got %+v", got)
		}
		if got, err := w.Service.CheckEventType(t.Context(), "order.piad", []byte(`{"1":{}}`)); hookswitch.KindOf(err) != hookswitch.NotFound || !strings.Contains(err.Error(), `"order.piad"`) {
			t.Errorf("of one that does not exist: %+v, %v", got, err)
		}
		if _, err := w.Service.CheckEventType(t.Context(), "order.paid", []byte(`{"1":7}`)); hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("of no schema: %v", err)
		}
	})
}
