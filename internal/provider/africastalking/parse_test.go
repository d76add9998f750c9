package africastalking_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/africastalking"
)

func TestParse_ReadsJSONOfTheSameNames(t *testing.T) {
	t.Parallel()
	form := only(t, notification(t, smsDoor, "from=%2B254712345678&to=12345&text=What+is+my+balance%3F&date=2024-01-15+10%3A30%3A00&id=at-1&linkId=L1"))
	body := `{"from":"+254712345678","to":12345,"text":"What is my balance?","date":"2024-01-15T10:30:00Z","id":"at-1","linkId":"L1","cost":null,"x":[1]}`
	if diff := cmp.Diff(form, only(t, notification(t, smsDoor, body))); diff != "" {
		t.Errorf("-form +json\n%s", diff)
	}
	push := notification(t, smsDoor, body)
	push.Header.Set("Content-Type", formType)
	if diff := cmp.Diff(form, only(t, push)); diff != "" {
		t.Errorf("JSON called a form: -form +json\n%s", diff)
	}
}

func TestParse_TakesTimesInAllTheirForms(t *testing.T) {
	t.Parallel()
	want := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	for _, tt := range []struct{ date, zone string }{
		{"2024-01-15T10:30:00Z", ""},
		{"2024-01-15T10:30:00Z", "Africa/Nairobi"},
		{"2024-01-15 10:30:00", ""},
		{"2024-01-15T10:30:00", ""},
		{"2024-01-15 13:30:00", "Africa/Nairobi"},
		{"2024-01-15T13:30:00", "Africa/Nairobi"},
		{"2024-01-15T13:30:00+03:00", "Africa/Lagos"},
		{"2024-01-15 10:30:00", "Nowhere/Town"},
		{"2024-01-15 10:30:00", "../../etc/passwd"},
		{"2024-01-15 10:30:00", "Local"},
	} {
		u := only(t, notification(t, smsDoor+"&zone="+tt.zone, `{"from":"+254712345678","text":"x","id":"1","date":"`+tt.date+`"}`))
		if !u.At.Equal(want) || u.At.Location() != time.UTC {
			t.Errorf("%s in %q: %s, want %s", tt.date, tt.zone, u.At, want)
		}
	}
	if u := only(t, notification(t, smsDoor, "from=%2B254&text=x&date=yesterday")); !u.At.IsZero() {
		t.Errorf("no time at all: %s", u.At)
	}
}

func TestParse_ReadsWhatIsEscapedWrongly(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		"from=%2B254712345678&id=1&text=100%25+sure": {"+254712345678", "100% sure"},
		"from=+254712345678&id=1&text=100% sure":     {"+254712345678", "100% sure"},
		"from=254712345678&id=1&text=%e2%82":         {"+254712345678", "\uFFFD"},
		"from=%2B254712345678&id=1&text=a;b%zz":      {"+254712345678", "a;b%zz"},
		"from=21512&id=1&text=":                      {"21512", ""},
		"from=Safaricom&id=1&text= x ":               {"Safaricom", " x "},
		"from=0712345678&id=1&text=x":                {"0712345678", "x"},
		"from=%2B2541&from=%2B2542&text=a&text=b":    {"+2541", "a"},
	} {
		u := only(t, notification(t, smsDoor, body))
		if u.Message == nil || u.Message.From != want[0] || u.Message.Text != want[1] {
			t.Errorf("%s: %+v, want %q", body, u.Message, want)
		}
	}
}

func TestParse_KeepsWhatItCannotUnderstand(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "a=b", "text=nobody+wrote+this", "status=Success", "sessionId=&text=1", "phoneNumber=&senderId=x", "[]", "null", `"x"`, "isActive=1",
		"updateType=addition"} {
		u := only(t, notification(t, smsDoor, body))
		if u.Broken == nil || u.Dedup == "" {
			t.Errorf("%q: %+v, want it kept as broken", body, u)
		}
	}
	if _, err := africastalking.New(africastalking.Options{}).Parse(notification(t, smsDoor, `{"from":"+2547`)); hookswitch.KindOf(err) != hookswitch.Invalid {
		t.Errorf("half a JSON body: %v", err)
	}
}

func TestParse_TellsWhatBecameOfAMessage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status, reason string
		want           hookswitch.MessageStatus
		code, category string
		retriable      bool
	}{
		{"Sent", "", hookswitch.StatusSent, "", "", false},
		{"Submitted", "", hookswitch.StatusSent, "", "", false},
		{"Buffered", "None", hookswitch.StatusSent, "", "", false},
		{"Success", "", hookswitch.StatusDelivered, "", "", false},
		{"Rejected", "UserInBlackList", hookswitch.StatusFailed, "UserInBlackList", "recipient", false},
		{"Failed", "DeliveryFailure", hookswitch.StatusFailed, "DeliveryFailure", "permanent", false},
		{"Failed", "NewReason", hookswitch.StatusFailed, "NewReason", "permanent", false},
		{"Failed", "", hookswitch.StatusFailed, "Failed", "permanent", false},
		{"AbsentSubscriber", "", hookswitch.StatusFailed, "AbsentSubscriber", "recipient", true},
		{"Expired", "None", hookswitch.StatusFailed, "Expired", "recipient", true},
	} {
		u := only(t, notification(t, smsDoor, "id=ATXid_1&phoneNumber=%2B254711000111&networkCode=63902&retryCount=2&status="+tt.status+"&failureReason="+tt.reason))
		r := u.Receipt
		if r == nil || r.Status != tt.want || r.ErrorCode != tt.code || r.ErrorCategory != tt.category || r.Retriable != tt.retriable || (r.ErrorText == "") != (tt.code == "") {
			t.Errorf("%s %s: %+v", tt.status, tt.reason, r)
		}
		if want := "status:ATXid_1:" + tt.status + ":2"; u.Dedup != want || !u.At.IsZero() || r.Recipient != "+254711000111" {
			t.Errorf("%s: key %q, want %q; at %s, to %s", tt.status, u.Dedup, want, u.At, r.Recipient)
		}
	}
	updates, err := africastalking.New(africastalking.Options{}).Parse(notification(t, smsDoor, "id=1&status=Pondering"))
	if err != nil || len(updates) != 0 {
		t.Errorf("an unknown word: %v, %v; want nothing", updates, err)
	}
}

func TestParse_OptingOutTwiceIsToldTwice(t *testing.T) {
	t.Parallel()
	first := notification(t, smsDoor, "senderId=COMPANY&phoneNumber=%2B254720123123")
	again, later := *first, *first
	again.At, later.At = first.At.Add(time.Second), first.At.Add(time.Hour)
	a, b, c := only(t, first), only(t, &again), only(t, &later)
	if a.OptOut == nil || a.OptOut.From != "+254720123123" || a.OptOut.Again || a.Address != "COMPANY" {
		t.Errorf("got %+v", a)
	}
	if a.Dedup != b.Dedup || a.Dedup == c.Dedup {
		t.Errorf("keys %q, a second later %q, an hour later %q", a.Dedup, b.Dedup, c.Dedup)
	}
}

func TestParse_KeepsSubscriptionsAsUnsupportedMessages(t *testing.T) {
	t.Parallel()
	u := only(t, notification(t, smsDoor, "phoneNumber=%2B254720123123&shortCode=21512&keyword=NEWS&updateType=addition"))
	m := u.Message
	if m == nil || !m.Unsupported || !m.Quiet || m.From != "+254720123123" || m.Metadata["updateType"] != "addition" || m.Content["keyword"] != "NEWS" || u.Address != "21512" {
		t.Errorf("got %+v", u)
	}
}

func TestParse_AHopTellsAllThatWasEntered(t *testing.T) {
	t.Parallel()
	// Dialled as *384*1234*1*2#: the first request has an input already.
	u := only(t, notification(t, "https://gw.example.test/api/channels/ussd", "sessionId=ATUid_1&phoneNumber=%2B254711082300&networkCode=63902&serviceCode=*384*1234%23&text=1*2"))
	s := u.Dialogue
	if s == nil || s.Input != "1*2" || s.From != "+254711082300" || s.To != "*384*1234#" || u.Address != s.To || s.End != nil || s.Direction != hookswitch.Inbound {
		t.Fatalf("got %+v", s)
	}
	want := map[string]any{"provider": "africastalking", "sessionId": "ATUid_1", "serviceCode": "*384*1234#", "networkCode": "63902", "text": "1*2"}
	if diff := cmp.Diff(want, s.Metadata); diff != "" {
		t.Errorf("metadata: -want +got\n%s", diff)
	}
}

func TestParse_TellsHowASessionEnded(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"Success": "completed", "Incomplete": "aborted", "Failed": "error", "New": "error"} {
		u := only(t, notification(t, smsDoor, "sessionId=ATUid_1&phoneNumber=%2B254711082300&status="+word+"&durationInMillis=5030&hopsCount=2&date=2026-07-18+10%3A41%3A00&errorMessage=cut"))
		e := u.Dialogue.End
		if e == nil || e.Status != want || e.Duration != 5030*time.Millisecond || e.ErrorText != "cut" || u.Dialogue.Input != "" || u.Dialogue.Metadata["hopsCount"] != "2" {
			t.Errorf("%s: %+v, want %s", word, e, want)
		}
		if u.Dedup != "ussd-end:ATUid_1" || !u.At.Equal(time.Date(2026, 7, 18, 10, 41, 0, 0, time.UTC)) {
			t.Errorf("%s: key %q at %s", word, u.Dedup, u.At)
		}
	}
}

func TestAck_EndsWhatNothingHasAnswered(t *testing.T) {
	t.Parallel()
	p := africastalking.New(africastalking.Options{})
	for body, want := range map[string]string{
		"sessionId=ATUid_1&phoneNumber=%2B254&text=1":             "END ",
		"sessionId=ATUid_1&status=Success&durationInMillis=1&x=":  "",
		"sessionId=ATVId_1&isActive=1&callerNumber=%2B254":        "<?xml",
		"sessionId=ATVId_1&isActive=0&callerNumber=%2B254":        "",
		"from=%2B254&text=x&id=1":                                 "",
		`{"from":`:                                                "",
		"id=ATXid_1&status=Success&phoneNumber=%2B254&retries=0&": "",
	} {
		a := p.Ack(notification(t, smsDoor, body))
		if a.Status != 200 || !strings.HasPrefix(string(a.Body), want) || want == "" && len(a.Body) > 0 {
			t.Errorf("%s: %d %q, want it to begin with %q", body, a.Status, a.Body, want)
		}
	}
}
