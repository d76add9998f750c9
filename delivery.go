package hookswitch

import "time"

// DeliveryState is where a Delivery stands. A delivered one has no row any more: its attempt says so.
type DeliveryState uint8

// The states of a Delivery.
const (
	DeliveryPending DeliveryState = iota
	DeliveryDelivered
	DeliveryFailed
	DeliveryCanceled
)

func (s DeliveryState) String() string {
	switch s {
	case DeliveryDelivered:
		return "delivered"
	case DeliveryFailed:
		return "failed"
	case DeliveryCanceled:
		return "canceled"
	}
	return "pending"
}

// DeliveryKind is what is owed and to what kind of target.
type DeliveryKind uint8

// The kinds of deliveries. The numbers are stored.
const (
	DeliverWebhook DeliveryKind = 1 // an Event to an Endpoint
	DeliverMessage DeliveryKind = 2 // a Message to the person of a Conversation
	DeliverRespond DeliveryKind = 3 // a received Message to the responder of a Conversation
	DeliverTask    DeliveryKind = 4 // the next step of a Task, to what the Task is about
	DeliverOrdered DeliveryKind = 5 // an Event to an Endpoint that gets one at a time, in order
)

// DeliveryStatus is what a delivery of an Event to one Endpoint has come to, derived from its attempts, its row and the event's
// targets.
type DeliveryStatus struct {
	State DeliveryState
	Held  bool      // kept back while the endpoint was disabled, never tried
	Tried bool      // there has been an attempt
	Next  time.Time // when it is due again; zero: not at all
}
