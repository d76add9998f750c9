package httpapi

import (
	"log/slog"
	"net/http"
	"time"
)

// AccessLog writes one line for each request. Of the URL it shows only the path: queries may hold secrets of providers.
func AccessLog(log *slog.Logger) func(http.Handler) http.Handler {
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
					slog.String("path", logPath(r)),
					slog.Int("status", rec.status),
					slog.Float64("duration_ms", float64(time.Since(start).Microseconds())/1000),
					slog.Int64("bytes", rec.bytes),
					slog.String("request_id", RequestID(r.Context())))
			}()
			next.ServeHTTP(rec, r)
		})
	}
}

func logPath(r *http.Request) string { return logText(r.URL.Path, 256) }

// logText bounds what a stranger can write into the log.
func logText(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
