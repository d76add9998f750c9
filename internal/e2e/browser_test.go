package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// ScreenshotVariable names the environment variable with a directory for pictures of what browsers show in tests.
const ScreenshotVariable = "HOOKSWITCH_TEST_SCREENSHOTS"

// chromium is the browser of this machine. The test is skipped when there is none. The shell without windows, which pages cannot tell from the whole browser, takes half of
// the time; long tests use the browser that people have.
func chromium(tb testing.TB) string {
	tb.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if !storetest.Long() {
		names = append([]string{"chromium-headless-shell"}, names...)
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	storetest.Missing(tb, "there is no chromium")
	return ""
}

// tab is a page of a browser that a test drives.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// newTab starts a browser that can reach nothing but this machine. It ends with the test, which fails when a page does.
func newTab(t *testing.T) *tab {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1200, 800), chromedp.WSURLReadTimeout(time.Minute))
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, end := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil { // it starts the browser, which would end with a deadline
		t.Fatalf("start the browser: %v", err)
	}
	console, read := chromedp.Console(ctx), make(chan struct{})
	go func() {
		defer close(read)
		for m, err := range console {
			if err != nil {
				return
			}
			if m.IsException() {
				t.Errorf("the page failed: %v", m)
			} else {
				t.Logf("console: %v", m)
			}
		}
	}()
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("stop the browser: %v", err)
		}
		end()
		endAllocator()
		<-read
	})
	return &tab{t, ctx}
}

// tabTime bounds each step in a browser.
const tabTime = time.Minute

// in runs one action.
func in[T any](b *tab, a chromedp.Action[T]) T {
	b.t.Helper()
	v, err := tryIn(b, a)
	if err != nil {
		b.t.Fatalf("in the browser: %v", err)
	}
	return v
}

// tryIn is in for who goes on after an error: a page that is just leaving answers nothing.
func tryIn[T any](b *tab, a chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, tabTime)
	defer cancel()
	return chromedp.Run(ctx, a)
}

func (b *tab) open(url string) {
	b.t.Helper()
	in(b, chromedp.Navigate(url))
}

// text is what a JavaScript expression gives, as a text.
func (b *tab) text(expression string) string {
	b.t.Helper()
	return in(b, textOf(expression))
}

// textOf evaluates an expression, as a text.
func textOf(expression string) chromedp.Action[string] {
	return chromedp.Evaluate[string]("String(" + expression + ")")
}

// is reports whether an expression is true on a page that may be just leaving.
func (b *tab) is(expression string) bool {
	v, err := tryIn(b, textOf(expression))
	return err == nil && v == "true"
}

// until waits for an expression to be true. What throws is not true yet: a page that is just coming has no body. It is asked from outside, because the page's policy may forbid
// it to evaluate texts.
func (b *tab) until(expression string) {
	b.t.Helper()
	came := false
	defer func() {
		if !came {
			b.shoot("failure")
		}
	}()
	until(b.t, expression, func() bool {
		came = b.is("(() => { try { return !!(" + expression + ") } catch { return false } })()")
		return came
	})
}

// press presses keys one after the other, as a person without a mouse would.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		in(b, chromedp.KeyEvent(key))
	}
}

// look has the page in a colour scheme, light or dark, without motion, in a window of the size.
func (b *tab) look(scheme string, width, height int64) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}); err != nil {
		b.t.Fatal(err)
	}
	in(b, chromedp.EmulateViewport(width, height))
}

// shoot takes a picture where ScreenshotVariable asks for some.
func (b *tab) shoot(name string) {
	dir := os.Getenv(ScreenshotVariable)
	if dir == "" {
		return
	}
	png := in(b, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(b.t.Name())+"-"+name+".png"), png, 0o600); err != nil {
		b.t.Error(err)
	}
}

// shootWhole takes a picture of the whole page, as far as it goes down, where ScreenshotVariable asks for some.
func (b *tab) shootWhole(name string) {
	dir := os.Getenv(ScreenshotVariable)
	if dir == "" {
		return
	}
	png := in(b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Error(err)
	}
}
