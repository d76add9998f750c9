package httpapi

import (
	"net/http"
)

// tracker is a ResponseWriter that knows whether an answer has begun.
type tracker interface{ begun() bool }

// trackerOf finds the outermost tracker among w and what it wraps, or nil.
func trackerOf(w http.ResponseWriter) tracker {
	for {
		if t, ok := w.(tracker); ok {
			return t
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
}

// recorder notes the status and the size of an answer on its way.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) begun() bool                 { return w.status != 0 }
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) WriteHeader(status int) {
	final := status >= http.StatusOK || status == http.StatusSwitchingProtocols
	if w.status == 0 && final {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// FlushError sends what has been written so far; http.ResponseController finds it.
func (w *recorder) FlushError() error {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}
