package service_test

import (
	"context"
	"testing"

	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestRecordVolumes_WhatCannotBeStoredIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		publish := func() {
			t.Helper()
			if _, err := w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "invoice.paid", Payload: []byte(`{"a":1}`)}, service.Idempotency{}); err != nil {
				t.Fatal(err)
			}
		}
		publish()
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Service.RecordVolumes(over); err == nil {
			t.Fatal("it is stored for nobody")
		}
		publish()
		if err := w.Service.RecordVolumes(t.Context()); err != nil {
			t.Fatal(err)
		}
		if events, bytes, err := w.Service.AppVolume(t.Context(), app.Key); err != nil || events != 2 || bytes != 14 {
			t.Errorf("%d events of %d bytes, %v", events, bytes, err)
		}
	})
}
