package e2e

import (
	"context"
	"testing"

	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/store"
)

// TestPages_ABinTellsWhoIsElsewhereWhenTheyAskForIt turns on the notifications and the sound of a bin, which are off, and has requests arrive.
func TestPages_ABinTellsWhoIsElsewhereWhenTheyAskForIt(t *testing.T) {
	t.Parallel()
	s := openSite(t, portaltest.Options{})
	b := newTab(t)
	b.look("light", 1280, 900)
	page := s.URL + s.Path("/play/{emptybin}")
	// The browser's own parts are watched, and somebody else's window is in front.
	come := func() {
		b.open(page)
		b.until(`document.getElementById("live-word").textContent === "live"`)
		b.text(`(() => {
			window.notes = []; window.tones = 0;
			document.hasFocus = () => false;
			window.Notification = class { static permission = "granted"; static requestPermission = async () => "granted"; constructor(title, o) { notes.push(title + ": " + o.body.replace("\n", ", ")); } };
			const make = AudioContext.prototype.createOscillator;
			AudioContext.prototype.createOscillator = function () { tones++; return make.call(this); };
			AudioContext.prototype.resume = async () => {};
		})()`)
	}
	arrive := func(body string) {
		t.Helper()
		token := s.Names["emptybin"]
		if err := s.Service.AddBinRequest(context.Background(), &store.BinRequest{Token: token, Method: "POST", URI: "/play/in/" + token, Body: []byte(body), Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
	}
	pressed := func(name string) string {
		return b.text(`document.getElementById("` + name + `").getAttribute("aria-pressed")`)
	}
	come()
	if pressed("notify") != "false" || pressed("sound") != "false" {
		t.Error("it is on though nobody asked for it")
	}
	arrive(`{"type":"quiet.one"}`)
	b.until(`document.getElementById("news").textContent === "1 new request"`)
	if got := b.text(`notes.length + " " + tones`); got != "0 0" {
		t.Errorf("notifications and tones: %s", got)
	}
	b.text(`document.getElementById("notify").click()`)
	b.text(`document.getElementById("sound").click()`)
	b.until(`document.getElementById("notify").getAttribute("aria-pressed") === "true" && tones === 2`) // so sounds what comes
	arrive(`{"type":"payment.late"}`)
	b.until(`notes.length === 1 && tones === 4`)
	if got := b.text(`notes[0]`); got != "1 new request · Play: POST payment.late, not signed" {
		t.Errorf("the notification says %q", got)
	}
	come() // it is remembered
	if pressed("sound") != "true" {
		t.Error("the sound is forgotten")
	}
	b.text(`document.getElementById("sound").click()`)
	come()
	if pressed("sound") != "false" {
		t.Error("the sound cannot be turned off")
	}
}
