package service

import (
	"context"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// Surroundings are what a checkup is told of the process, because the service does not know it.
type Surroundings struct {
	Version           string // of the program; "": not known
	Networks          string // private ones that deliveries may reach; "": none
	DiskFree, DiskAll int64  // of the file system that the data lie on, in bytes; DiskAll 0: not known
}

// CheckState is what a check has found.
type CheckState string

// The states of checks.
const (
	CheckFine CheckState = "fine"
	CheckLook CheckState = "look" // it works, and wants to be looked at
	CheckBad  CheckState = "bad"
)

// Check is one thing that was looked at.
type Check struct {
	Name     string
	State    CheckState
	Sentence string // what was found
	Advice   string // what to do about it; "": nothing
}

// Bounds of a checkup.
const (
	slowAnswer  = 100 * time.Millisecond // of the database
	clockOff    = 5 * time.Second        // of another node
	lateMinutes = 5
)

// Checkup looks at what the server stands on: its database, its disk, its nodes, its address, and what it may reach.
func (s *Service) Checkup(ctx context.Context, around Surroundings) (list []Check, err error) {
	add := func(name string, state CheckState, sentence, advice string) {
		list = append(list, Check{name, state, sentence, advice})
	}
	start := time.Now()
	if err := s.store.Ping(ctx); err != nil {
		add("Database", CheckBad, "It does not answer.", "Look into the log of the server and at the database itself.")
		return list, nil
	}
	switch took := time.Since(start); {
	case s.store.Full():
		add("Database", CheckBad, "More waits to be written than it takes.", "Look at the load of its disk, or at what else uses it.")
	case took > slowAnswer:
		add("Database", CheckLook, "It took "+strconv.FormatInt(took.Milliseconds(), 10)+" ms to answer.", "Look at its load, and at how far away it is.")
	default:
		add("Database", CheckFine, "It answers within "+strconv.FormatInt(took.Milliseconds()+1, 10)+" ms, and takes what is written.", "")
	}
	size, err := s.store.Size(ctx)
	if err != nil {
		return nil, err
	}
	if size.LogMost > 0 {
		if size.Log > size.LogMost {
			add("Write-ahead log", CheckLook, "It has "+strconv.FormatInt(size.Log>>20, 10)+" MiB, and is not copied into the database.", "A program that reads the file for long holds it up: a backup tool, perhaps.")
		} else {
			add("Write-ahead log", CheckFine, "It is copied into the database as it grows.", "")
		}
	}
	if around.DiskAll > 0 {
		share := around.DiskFree * 100 / around.DiskAll
		switch {
		case share < 3:
			add("Disk", CheckBad, strconv.FormatInt(share, 10)+" % of it is free.", "Make room now: without any, nothing is accepted.")
		case share < 10:
			add("Disk", CheckLook, strconv.FormatInt(share, 10)+" % of it is free.", "Make room, or keep events for a shorter time.")
		default:
			add("Disk", CheckFine, strconv.FormatInt(share, 10)+" % of it is free.", "")
		}
	}
	if err := s.checkNodes(ctx, around, add); err != nil {
		return nil, err
	}
	s.checkAddress(around, add)
	backlog, err := s.store.Backlog(ctx, s.now())
	if err != nil {
		return nil, err
	}
	switch late := s.now().Sub(backlog.Oldest); {
	case s.Paused() != nil:
		add("Deliveries", CheckLook, "Everything is paused.", "Go on when the maintenance is over.")
	case !backlog.Oldest.IsZero() && late > lateMinutes*time.Minute:
		add("Deliveries", CheckLook, "Work has been due for "+strconv.Itoa(int(late.Minutes()))+" minutes.", "Look at the queues: more comes than the nodes can do, or an endpoint has used up its places.")
	default:
		add("Deliveries", CheckFine, "What is due is done.", "")
	}
	return list, nil
}

func (s *Service) checkNodes(ctx context.Context, around Surroundings, add func(string, CheckState, string, string)) error {
	nodes, err := s.store.Nodes(ctx)
	if err != nil {
		return err
	}
	live, working, other, ahead := 0, 0, 0, 0
	for _, n := range nodes {
		if !n.Lives && !n.Own {
			continue
		}
		live++
		if n.DrainedAt.IsZero() {
			working++
		}
		if n.Version != "" && around.Version != "" && n.Version != around.Version {
			other++
		}
		if n.HeartbeatAt.Sub(s.now()) > clockOff {
			ahead++
		}
	}
	switch {
	case working == 0:
		add("Nodes", CheckBad, "None of them takes work.", "All are being drained: have one take work again, or start one anew.")
	case other > 0:
		add("Nodes", CheckLook, strconv.Itoa(other)+" of "+strconv.Itoa(live)+" run another version.", "Start them anew with this one.")
	default:
		add("Nodes", CheckFine, strconv.Itoa(live)+" alive, and "+strconv.Itoa(working)+" of them take work.", "")
	}
	if ahead > 0 {
		add("Clocks", CheckLook, "The clock of another node is ahead of this one's.", "Have the clocks of all nodes set by the network: signatures bear their times.")
	} else {
		add("Clocks", CheckFine, "No node's clock is ahead of this one's.", "")
	}
	return nil
}

func (s *Service) checkAddress(around Surroundings, add func(string, CheckState, string, string)) {
	u, err := url.Parse(s.o.PublicURL)
	switch {
	case err != nil || u.Host == "":
		add("Public address", CheckBad, "It is none.", "Set public-url: providers and people reach the server by it.")
	case u.Scheme == "https":
		add("Public address", CheckFine, "It is "+s.o.PublicURL+".", "")
	case loopback(u.Hostname()):
		add("Public address", CheckLook, "It is "+s.o.PublicURL+", which this machine alone reaches.", "Set public-url before providers are to push here.")
	default:
		add("Public address", CheckBad, "It is "+s.o.PublicURL+", without TLS.", "Put a proxy with a certificate in front, and set public-url to its https address: what people write and tokens travel readable.")
	}
	if around.Networks != "" {
		add("Private networks", CheckLook, "Deliveries may reach "+around.Networks+".", "Who may add endpoints can reach what listens there. Take away from allow-networks what need not be reached.")
	} else {
		add("Private networks", CheckFine, "Deliveries reach none.", "")
	}
}

// loopback reports whether the host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
