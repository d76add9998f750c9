package service_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestPreviewFilter_CountsWhatAFilterWouldHaveMatched(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		w.EventTypes("a", "b")
		publish := func(app *hookswitch.App, eventType string, tags ...string) {
			servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: eventType, Payload: []byte(`{}`), Tags: tags}, none))(t)
		}
		publish(app, "a", "sms")
		w.Clock.Advance(time.Hour)
		since := w.Clock.Now()
		w.Clock.Advance(time.Minute)
		publish(other, "a", "sms")
		for range 3 {
			publish(app, "a", "sms")
		}
		publish(app, "a", "sms", "eu")
		publish(app, "a")
		publish(app, "b", "sms")
		for _, c := range []struct {
			e    hookswitch.Endpoint
			want service.MatchPreview
		}{
			{hookswitch.Endpoint{}, service.MatchPreview{Matched: 6, All: 6}},
			{hookswitch.Endpoint{EventTypes: []string{"a"}}, service.MatchPreview{Matched: 5, All: 6}},
			{hookswitch.Endpoint{EventTypes: []string{"a"}, Tags: []string{"sms"}}, service.MatchPreview{Matched: 4, All: 6}},
			{hookswitch.Endpoint{EventTypes: []string{"c"}}, service.MatchPreview{All: 6}},
		} {
			if got := servicetest.Must(w.Service.PreviewFilter(t.Context(), app.Key, &c.e, since))(t); got != c.want {
				t.Errorf("types %v, tags %v: %+v, want %+v", c.e.EventTypes, c.e.Tags, got, c.want)
			}
		}
	})
}
