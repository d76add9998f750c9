package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// forward runs the plain forwarder: net/http on both sides, nothing stored. It accepts a POST, hands the body to a bounded pool of goroutines,
// answers 202, and the pool posts the body on to each target over kept-alive connections. A full pool holds back the answer. Its address is printed to out;
// it ends when in does, once the pool is empty.
func forward(ctx context.Context, targets []string, workers int, in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f := &forwarder{targets: targets, jobs: make(chan job, workers), client: &http.Client{
		Transport: &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: workers, IdleConnTimeout: time.Minute},
		Timeout:   15 * time.Second,
	}}
	var pool sync.WaitGroup
	for range workers * len(targets) {
		pool.Go(f.work)
	}
	server := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if _, err := fmt.Fprintln(out, "http://"+listener.Addr().String()); err != nil {
		return errors.Join(err, server.Close())
	}
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, in); close(ended) }()
	select {
	case <-ctx.Done():
	case <-ended:
	case err = <-served:
		served <- err
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = server.Shutdown(grace)
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	if err == nil { // else a handler may still be sending
		close(f.jobs)
		pool.Wait()
	}
	f.client.CloseIdleConnections()
	return err
}

type forwarder struct {
	targets []string
	client  *http.Client
	jobs    chan job
}

type job struct {
	target string
	body   []byte
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, max(0, min(r.ContentLength, maxPayload)))
	if _, err := io.ReadFull(r.Body, body); err != nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, target := range f.targets {
		f.jobs <- job{target, body}
	}
	w.WriteHeader(http.StatusAccepted)
}

func (f *forwarder) work() {
	for j := range f.jobs {
		resp, err := f.client.Post(j.target, "application/json", bytes.NewReader(j.body))
		if err != nil {
			continue // it promises nothing
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		_ = resp.Body.Close()
	}
}
