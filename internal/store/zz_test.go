package store_test
import ("testing";"time";"github.com/hookswitch/hookswitch";"github.com/hookswitch/hookswitch/internal/store";"github.com/hookswitch/hookswitch/internal/storetest")
func TestZZ(t *testing.T){
 f := liveFixture(t, storetest.SQLite(t))
 var list []store.Delivery
 for range 1000 { list = append(list, store.Delivery{Kind: hookswitch.DeliverWebhook, App: f.app, Subject: f.keys.Next(), Target: f.keys.Next(), NextAt: time.Now()}) }
 f.update(func(tx *store.Tx) error { return tx.Append(nil, list) })
 for i := range 4 {
  st := time.Now()
  got, err := f.ClaimDue(t.Context(), store.ClaimRequest{Kind: hookswitch.DeliverWebhook, Now: time.Now().Add(time.Second), Lease: time.Now().Add(time.Minute), Max: 1000, PerTarget: func(hookswitch.Key) int { return 1000 }})
  t.Log(i, len(got.Deliveries), err, time.Since(st))
  f.Exec(t.Context(), `UPDATE deliveries SET owner = 0, next_at = 1000 WHERE owner <> 0`)
 }
 for i := range 2 {
  st := time.Now()
  got, err := f.ClaimDue(t.Context(), store.ClaimRequest{Kind: hookswitch.DeliverWebhook, Now: time.Now().Add(time.Second), Lease: time.Now().Add(time.Minute), Max: 1000, PerTarget: func(hookswitch.Key) int { return 1 }})
  t.Log(i, len(got.Deliveries), err, time.Since(st))
  f.Exec(t.Context(), `UPDATE deliveries SET owner = 0, next_at = 1000 WHERE owner <> 0`)
 }
}
