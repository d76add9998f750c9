package bench

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Options say what Run does. The tags make them the flags of a command.
type Options struct {
	Scenario    []string      `name:"scenario" sep:"," placeholder:"S1,…" help:"Scenarios to run, S1 to S6; all when left out."`
	Duration    time.Duration `name:"duration" default:"5s" placeholder:"TIME" help:"Measured time of one round."`
	Warmup      time.Duration `name:"warmup" default:"1500ms" placeholder:"TIME" help:"Load before the measured time of each round."`
	Rounds      int           `name:"rounds" default:"3" placeholder:"N" help:"Rounds; the systems take turns in each, and medians are shown."`
	Connections int           `name:"connections" default:"32" placeholder:"N" help:"Connections that publish at once where the rate is not fixed."`
	Payload     int           `name:"payload" default:"400" placeholder:"BYTES" help:"Size of an event's payload."`
	Rate        int           `name:"rate" default:"100" placeholder:"N" help:"Events a second in the scenarios with a fixed rate."`
	Postgres    string        `name:"postgres" env:"HOOKSWITCH_BENCH_POSTGRES" placeholder:"URL" help:"PostgreSQL server to measure on too, as a role that may create databases; a temporary one is started when left out, and none leaves PostgreSQL out."`
	Dir         string        `name:"dir" placeholder:"DIR" help:"Directory for temporary databases; the disk under it is what counts."`
	JSON        bool          `name:"json" help:"Print the report as JSON."`
	CPUProfile  string        `name:"cpuprofile" placeholder:"FILE" help:"Write processor profiles of the gateway to files of this name with scenario and database added."`

	// Forwarder makes Run the plain forwarder to these URLs until its standard input ends. It is how Run starts that process.
	Forwarder []string `name:"forwarder" hidden:"" sep:"," help:"Be the plain forwarder to these URLs."`
	// Binary is the program that is started as gateway and as forwarder; the running one when empty.
	Binary string `kong:"-"`
}

const (
	minPayload = 64
	maxPayload = 1 << 20
)

// prepare fills in what is missing, and refuses what makes no sense.
func (o *Options) prepare() error {
	o.Duration = orDefault(o.Duration, 5*time.Second)
	o.Warmup = orDefault(o.Warmup, 1500*time.Millisecond)
	o.Rounds = orDefault(o.Rounds, 3)
	o.Connections = orDefault(o.Connections, 32)
	o.Payload = orDefault(o.Payload, 400)
	o.Rate = orDefault(o.Rate, 100)
	switch {
	case o.Duration < 0 || o.Duration > 10*time.Minute:
		return fmt.Errorf("duration must lie between 0 and 10m, and is %s", o.Duration)
	case o.Warmup < 0 || o.Warmup > time.Minute:
		return fmt.Errorf("warmup must lie between 0 and 1m, and is %s", o.Warmup)
	case o.Rounds < 1 || o.Rounds > 100:
		return fmt.Errorf("rounds must lie between 1 and 100, and is %d", o.Rounds)
	case o.Connections < 1 || o.Connections > 4096:
		return fmt.Errorf("connections must lie between 1 and 4096, and is %d", o.Connections)
	case o.Payload < minPayload || o.Payload > maxPayload:
		return fmt.Errorf("payload must lie between %d and %d bytes, and is %d", minPayload, maxPayload, o.Payload)
	case o.Rate < 1 || o.Rate > 20000:
		return fmt.Errorf("rate must lie between 1 and 20000 events a second, and is %d", o.Rate)
	}
	if o.Binary == "" {
		binary, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		o.Binary = binary
	}
	return nil
}

func orDefault[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}

// chosen are the scenarios that the options ask for.
func (o *Options) chosen() ([]*scenario, error) {
	all := scenarios(o)
	if len(o.Scenario) == 0 {
		return all, nil
	}
	var list []*scenario
	for _, name := range o.Scenario {
		i := slices.IndexFunc(all, func(s *scenario) bool { return strings.EqualFold(s.name, strings.TrimSpace(name)) })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q; choose from S1 to S%d", name, len(all))
		}
		list = append(list, all[i])
	}
	return list, nil
}
