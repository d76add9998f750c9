package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgres is the server that databases are made on.
type postgres struct {
	admin string // URL of a role that may create databases
	// cpu is the processor time of the whole server, nil when it runs elsewhere.
	cpu     func() (time.Duration, error)
	version string
	made    int
	stop    func() error
}

// errNoPostgres says that there is none, which is no failure.
var errNoPostgres = errors.New("PostgreSQL is left out: none was given, and initdb and postgres are not installed")

// openPostgres takes the server that the options name, or starts a temporary one.
func openPostgres(ctx context.Context, o *Options) (*postgres, error) {
	if o.Postgres != "" {
		p := &postgres{admin: o.Postgres, stop: func() error { return nil }}
		return p, p.look(ctx)
	}
	p, err := startPostgres(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	if err := p.look(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// look reads the server's version, and finds its processes if they run on this machine.
func (p *postgres) look(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.admin)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	var backend int
	if err := conn.QueryRow(ctx, `SELECT pg_backend_pid(), current_setting('server_version')`).Scan(&backend, &p.version); err != nil {
		return fmt.Errorf("ask PostgreSQL: %w", err)
	}
	host, _, err := net.SplitHostPort(conn.PgConn().Conn().RemoteAddr().String())
	if ip := net.ParseIP(host); err == nil && (ip == nil || !ip.IsLoopback()) {
		return nil
	}
	name, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(backend), "comm"))
	if err != nil || !strings.HasPrefix(string(name), "postgres") {
		return nil // in a container, or not on this system
	}
	s, err := readStat(strconv.Itoa(backend))
	if err != nil {
		return nil
	}
	p.cpu = func() (time.Duration, error) { return familyCPU(s.parent) }
	return nil
}

// database makes an empty database. drop removes it.
func (p *postgres) database(ctx context.Context) (databaseURL string, drop func() error, err error) {
	p.made++
	name := fmt.Sprintf("hookswitch_bench_%d_%d", os.Getpid(), p.made)
	if err := p.administer(ctx, "CREATE DATABASE "+name); err != nil {
		return "", nil, fmt.Errorf("make a database: %w", err)
	}
	u, err := url.Parse(p.admin)
	if err != nil {
		return "", nil, errors.New("the PostgreSQL URL is not a valid URL") // whose text may hold a password
	}
	u.Path = "/" + name
	drop = func() error { return p.administer(context.WithoutCancel(ctx), "DROP DATABASE "+name+" WITH (FORCE)") }
	return u.String(), drop, nil
}

func (p *postgres) administer(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, p.admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// startPostgres starts a server of its own in a temporary directory, with the settings it has by default: fsync and synchronous commits are on.
func startPostgres(ctx context.Context, parent string) (p *postgres, err error) {
	bin, ok := postgresPrograms()
	if !ok {
		return nil, errNoPostgres
	}
	dir, err := os.MkdirTemp(parent, "hookswitch-bench-pg-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	password := rand.Text()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(password+"\n"), 0o600); err != nil {
		return nil, err
	}
	unprivileged, err := giveAway(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "hookswitch", "-A", "scram-sha-256",
		"--pwfile", filepath.Join(dir, "password"), "--encoding=UTF8", "--locale=C")
	initdb.Dir, initdb.Env = dir, cleanEnv()
	unprivileged(initdb)
	if said, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, said)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories="+dir)
	cmd.Dir, cmd.Env = dir, cleanEnv()
	unprivileged(cmd)
	child, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	p = &postgres{admin: fmt.Sprintf("postgres://hookswitch:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)}
	// SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
	p.stop = func() error { return errors.Join(child.stop(syscall.SIGINT), os.RemoveAll(dir)) }
	if err := p.waitReady(ctx, child); err != nil {
		return nil, errors.Join(child.trouble(err), p.stop())
	}
	return p, nil
}

func (p *postgres) waitReady(ctx context.Context, child *process) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	poll := time.NewTicker(5 * readyPoll)
	defer poll.Stop()
	for {
		err := p.administer(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-poll.C:
		case <-child.done:
			return errors.New("PostgreSQL ended before it served")
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not get ready: %w", err)
		}
	}
}

// postgresPrograms is the directory that initdb and postgres lie in.
func postgresPrograms() (dir string, ok bool) {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	// Debian keeps them out of the way of PATH.
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(packaged, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	for _, d := range append(dirs, packaged...) {
		_, errInit := exec.LookPath(filepath.Join(d, "initdb"))
		_, errServer := exec.LookPath(filepath.Join(d, "postgres"))
		if errInit == nil && errServer == nil {
			return d, true
		}
	}
	return "", false
}

func majorVersion(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}
