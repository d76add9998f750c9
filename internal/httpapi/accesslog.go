package httpapi

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// AccessLog writes one line for each request. Of the URL it shows only the path: queries may hold secrets of providers. Of a path that begins with one of
// hidden it shows only that beginning: what follows is a secret.
func AccessLog(log *slog.Logger, hidden ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !log.Enabled(r.Context(), slog.LevelInfo) {
				next.ServeHTTP(w, r)
				return
			}
			start, rec := time.Now(), &recorder{ResponseWriter: w}
			// Deferred, so that requests which end in a panic are seen too.
			defer func() {
				log.LogAttrs(r.Context(), slog.LevelInfo, "request",
					slog.String("method", logText(r.Method, 16)),
					slog.String("path", logPath(r, hidden)),
					slog.Int("status", rec.status),
					slog.Float64("duration_ms", float64(time.Since(start).Microseconds())/1000),
					slog.Int64("bytes", rec.bytes),
					slog.String("request_id", RequestID(r.Context())))
			}()
			next.ServeHTTP(rec, r)
		})
	}
}

func logPath(r *http.Request, hidden []string) string {
	for _, prefix := range hidden {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return prefix + "…"
		}
	}
	return logText(r.URL.Path, 256)
}

// logText bounds what a stranger can write into the log.
func logText(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
