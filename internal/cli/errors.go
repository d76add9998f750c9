package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch/internal/client"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// usageError says that the command line is wrong.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// hintError is an error with what to try next.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

func hinted(err error, hint string) error { return &hintError{err, hint} }

// fail tells of err, and of what to try next, and returns the exit code. path is the command that failed.
func (e *env) fail(err error, path string) int {
	if err == nil {
		return exitOK
	}
	said := strings.TrimPrefix(err.Error(), strings.TrimPrefix(path, " ")+": ") // the parser names the command as well
	fmt.Fprintf(e.Stderr, "hookswitch%s: %s\n", path, plain(said))
	if hint := hintFor(err, path); hint != "" {
		fmt.Fprintf(e.Stderr, "Try: %s\n", plain(hint))
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailure
}

func hintFor(err error, path string) string {
	help := "hookswitch" + path + " --help"
	var hint *hintError
	var usage *usageError
	var away *client.UnreachableError
	var answer *client.Error
	switch {
	case errors.As(err, &hint):
		return hint.hint
	case errors.As(err, &usage):
		return help
	case errors.Is(err, context.Canceled):
		return "the same command again; it was interrupted"
	case errors.As(err, &away):
		return "start a server with \"hookswitch serve\", or say where it is with --url or HOOKSWITCH_URL"
	case errors.Is(err, simulate.ErrNotLoopback):
		return "a server on this machine, such as --url http://127.0.0.1:8420"
	case errors.As(err, &answer):
		return answerHint(answer, path, help)
	}
	return help
}

func answerHint(e *client.Error, path, help string) string {
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return "the server's own token: set HOOKSWITCH_OPERATOR_TOKEN, or --data-dir to the server's data directory, where operator.token lies"
	case e.Code == client.CodeForeign:
		return "another --url: what answered is not Hookswitch, or a proxy in front of it"
	case e.Status == http.StatusNotFound || e.Status == http.StatusConflict:
		return listHint(e.Message, path)
	case e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable:
		return "the same command in a moment"
	case e.Status >= 500 && e.RequestID != "":
		return "look for " + e.RequestID + " in the server's log"
	case e.Status >= 500:
		return "look into the server's log"
	}
	return help
}

// listHint is the command that lists what was looked for in vain, or what is there already: apps or endpoints where the message says so, else what the failed
// command is about.
func listHint(message, path string) string {
	words := strings.Fields(path)
	switch {
	case strings.HasPrefix(message, "endpoint"):
		return "hookswitch endpoint list --app APP"
	case strings.HasPrefix(message, "sender"):
		return "hookswitch sender list --app APP"
	case len(words) > 0 && (words[0] == "stray" || words[0] == "task"):
		return "hookswitch " + words[0] + " list"
	case len(words) > 0 && (words[0] == "contact" || words[0] == "event-type"):
		return "hookswitch " + words[0] + " --help"
	case strings.HasPrefix(message, "application") || len(words) > 0 && words[0] == "app":
		return "hookswitch app list"
	case len(words) > 0 && words[0] == "node":
		return "hookswitch node list"
	case len(words) > 0:
		return "hookswitch " + words[0] + " list --app APP"
	}
	return "hookswitch --help"
}
