package hookswitch_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hookswitch/hookswitch"
)

var kinds = []hookswitch.Kind{
	hookswitch.KindApp, hookswitch.KindProject, hookswitch.KindEndpoint, hookswitch.KindEvent, hookswitch.KindAttempt, hookswitch.KindTask,
	hookswitch.KindSender, hookswitch.KindRoute, hookswitch.KindContact, hookswitch.KindConversation, hookswitch.KindMessage,
	hookswitch.KindAPIKey, hookswitch.KindOrganization, hookswitch.KindTemplate, hookswitch.KindInvitation, hookswitch.KindAttachment,
	hookswitch.KindIntegration, hookswitch.KindToken, hookswitch.KindDraft, hookswitch.KindStray, hookswitch.KindClient,
}

func newIDs(t testing.TB, seed byte) *hookswitch.IDs {
	t.Helper()
	ids, err := hookswitch.NewIDs(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func anyKey() *rapid.Generator[hookswitch.Key] {
	return rapid.Custom(func(t *rapid.T) hookswitch.Key { return hookswitch.Key(rapid.Int64Min(1).Draw(t, "key")) })
}

func TestIDs_RoundTripWith27Characters(t *testing.T) {
	t.Parallel()
	ids, others := newIDs(t, 1), newIDs(t, 2)
	rapid.Check(t, func(t *rapid.T) {
		key, kind := anyKey().Draw(t, "key"), rapid.SampledFrom(kinds).Draw(t, "kind")
		id := ids.Format(kind, key)
		if len(id) != len(kind.Prefix())+27 || !strings.HasPrefix(id, kind.Prefix()) || strings.ContainsFunc(id[len(kind.Prefix()):], notBase62) {
			t.Fatalf("%q is no prefix and 27 characters", id)
		}
		if got, ok := ids.Parse(kind, id); !ok || got != key {
			t.Fatalf("%q gave %d, %v, want %d", id, got, ok, key)
		}
		if _, ok := others.Parse(kind, id); ok {
			t.Fatalf("%q is good under another secret", id)
		}
		if got := string(ids.Append([]byte("x"), kind, key)); got != "x"+id {
			t.Fatalf("Append gave %q", got)
		}
	})
}

func notBase62(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
}

func TestIDs_SortAsTheirKeys(t *testing.T) {
	t.Parallel()
	ids := newIDs(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyKey().Draw(t, "a"), anyKey().Draw(t, "b")
		x, y := ids.Format(hookswitch.KindEvent, a), ids.Format(hookswitch.KindEvent, b)
		if (a < b) != (x < y) || (a == b) != (x == y) {
			t.Fatalf("%d and %d became %s and %s", a, b, x, y)
		}
	})
}

func TestIDs_KindsNeverMix(t *testing.T) {
	t.Parallel()
	ids := newIDs(t, 1)
	for _, made := range kinds {
		body := strings.TrimPrefix(ids.Format(made, 42<<30), made.Prefix())
		for _, asked := range kinds {
			if _, ok := ids.Parse(asked, asked.Prefix()+body); ok != (made == asked) {
				t.Errorf("an id of %s taken as %s: %v", made.Prefix(), asked.Prefix(), ok)
			}
		}
	}
}

func TestIDs_EveryTamperedCharacterIsNoticed(t *testing.T) {
	t.Parallel()
	ids := newIDs(t, 1)
	id := ids.Format(hookswitch.KindApp, 1<<60+12345)
	for i := range len(id) {
		for _, c := range []byte{'0', '9', 'A', 'z', '_', '-', 0, 0xff} {
			forged := id[:i] + string([]byte{c}) + id[i+1:]
			if _, ok := ids.Parse(hookswitch.KindApp, forged); ok && forged != id {
				t.Errorf("%q passes for %q", forged, id)
			}
		}
	}
	for _, forged := range []string{"", "app_", id[:len(id)-1], id + "0", " " + id, strings.ToUpper(id), "app_" + strings.Repeat("0", 27), "app_" + strings.Repeat("z", 27)} {
		if _, ok := ids.Parse(hookswitch.KindApp, forged); ok {
			t.Errorf("%q is taken for an id", forged)
		}
	}
}

func TestIDs_ZeroKeyHasNone(t *testing.T) {
	t.Parallel()
	if got := newIDs(t, 1).Format(hookswitch.KindApp, 0); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestIDs_EnvelopeNamesTheSameKey(t *testing.T) {
	t.Parallel()
	ids := newIDs(t, 1)
	at := time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)
	key := hookswitch.KeyAt(at) + 77
	id := ids.FormatEnvelope(key)
	millis := strconv.FormatInt(at.UnixMilli(), 10)
	if want := "evt_" + millis + "_" + strings.TrimPrefix(ids.Format(hookswitch.KindEvent, key), "msg_"); id != want {
		t.Errorf("got %s, want %s", id, want)
	}
	if got, ok := ids.ParseEnvelope(id); !ok || got != key {
		t.Errorf("parsed %d, %v", got, ok)
	}
	for _, forged := range []string{"", "evt_", id[4:], "msg_" + id[4:], strings.Replace(id, millis, millis[:12]+"0", 1), "evt_0" + id[4:], id + "x",
		ids.Format(hookswitch.KindEvent, key), "evt_" + millis + "_" + strings.TrimPrefix(ids.Format(hookswitch.KindMessage, key), "msg_")} {
		if _, ok := ids.ParseEnvelope(forged); ok {
			t.Errorf("%q is taken for an envelope id", forged)
		}
	}
}

func TestNewIDs_WantsA32ByteKey(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 16, 24, 31, 33} {
		if _, err := hookswitch.NewIDs(make([]byte, n)); err == nil {
			t.Errorf("%d bytes are taken", n)
		}
	}
}

func TestKeys_RiseUnderConcurrencyAndCarryTheirNode(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 2000
	keys := hookswitch.NewKeys(hookswitch.MaxNode, time.Now)
	made := make([][]hookswitch.Key, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				made[w] = append(made[w], keys.Next())
			}
		})
	}
	wg.Wait()
	for _, list := range made {
		if !slices.IsSorted(list) {
			t.Error("keys of one writer fall")
		}
	}
	all := slices.Concat(made...)
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != writers*each {
		t.Errorf("%d different keys, want %d", n, writers*each)
	}
	for _, k := range all {
		if k.Node() != hookswitch.MaxNode || k <= 0 {
			t.Fatalf("key %d is of node %d", k, k.Node())
		}
	}
}

func TestKeys_RiseWhileTheClockFallsOrStands(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	keys := hookswitch.NewKeys(3, func() time.Time { return now })
	first := keys.Next()
	if !first.Time().Equal(now) {
		t.Errorf("made at %s, says %s", now, first.Time())
	}
	last := first
	now = now.Add(-time.Hour)
	// More than a millisecond's worth: the sequence runs over into the time, never into the node.
	for range 3 * 4096 {
		k := keys.Next()
		if k <= last || k.Node() != 3 {
			t.Fatalf("%d of node %d follows %d", k, k.Node(), last)
		}
		last = k
	}
	if lead := last.Time().Sub(first.Time()); lead != 3*time.Millisecond {
		t.Errorf("12,288 keys moved the time by %s, want 3 ms", lead)
	}
	now = now.Add(2 * time.Hour)
	if k := keys.Next(); !k.Time().Equal(now) {
		t.Errorf("the clock has caught up, the key says %s", k.Time())
	}
}

func TestNewKeys_RefusesNodesThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, node := range []int{-1, hookswitch.MaxNode + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("node %d is taken", node)
				}
			}()
			hookswitch.NewKeys(node, time.Now)
		}()
	}
}

func TestKeyAt_BoundsKeysByTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 5e6, time.UTC)
	key := hookswitch.NewKeys(7, func() time.Time { return now }).Next()
	if !(hookswitch.KeyAt(now) <= key && key < hookswitch.KeyAt(now.Add(time.Millisecond))) {
		t.Errorf("%d lies outside its millisecond", key)
	}
	for _, early := range []time.Time{{}, time.Unix(0, 0), time.Date(2023, 12, 31, 0, 0, 0, 0, time.UTC)} {
		if hookswitch.KeyAt(early) > 0 {
			t.Errorf("KeyAt(%s) = %d lies behind the first key", early, hookswitch.KeyAt(early))
		}
	}
	for _, late := range []time.Time{time.Date(2094, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)} {
		if hookswitch.KeyAt(late) <= key {
			t.Errorf("KeyAt(%s) = %d lies before a key of today", late, hookswitch.KeyAt(late))
		}
	}
}

func FuzzIDs_Parse(f *testing.F) {
	ids := newIDs(f, 1)
	f.Add(ids.Format(hookswitch.KindEvent, 99))
	f.Add(ids.FormatEnvelope(99))
	f.Add("msg_")
	f.Add("evt_1_")
	f.Fuzz(func(t *testing.T, id string) {
		for _, kind := range kinds {
			if key, ok := ids.Parse(kind, id); ok && ids.Format(kind, key) != id {
				t.Errorf("%q stands for %d, whose id is %q", id, key, ids.Format(kind, key))
			}
		}
		if key, ok := ids.ParseEnvelope(id); ok && ids.FormatEnvelope(key) != id {
			t.Errorf("%q stands for %d, whose id is %q", id, key, ids.FormatEnvelope(key))
		}
	})
}

func BenchmarkIDs_Format(b *testing.B) {
	ids := newIDs(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		_ = ids.Format(hookswitch.KindEvent, 1<<60)
	}
}

func BenchmarkIDs_Parse(b *testing.B) {
	ids := newIDs(b, 1)
	id := ids.Format(hookswitch.KindEvent, 1<<60)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ids.Parse(hookswitch.KindEvent, id)
	}
}
