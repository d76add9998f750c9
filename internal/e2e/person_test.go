package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// person is somebody who does things with pages, as a screen reader tells of them: by the role and the name that the browser works out for a thing. What a walk does is written once; the
// hands decide whether it is done with a mouse or with keys.
type person struct {
	*tab
	hand  hand
	steps int // things that were pressed, ticked, written or chosen
	tabs  int // presses of Tab
	far   int // the most that one step took
}

// hand is how a person gets at things.
type hand interface {
	// reach makes thing the one that keys go to. By mouse that is a click, which is all that buttons and links want.
	reach(p *person, thing *thing) error
	// press does what is done with a button, a link or a box once it is reached.
	press(p *person, thing *thing)
}

// eachHand runs a walk by mouse and, beside it, by keys alone.
func eachHand(t *testing.T, walk func(t *testing.T, p *person)) {
	t.Parallel()
	for name, h := range map[string]hand{"mouse": mouse{}, "keys": keys{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &person{tab: newTab(t), hand: h}
			p.look("light", 1280, 900)
			if _, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: listener}); err != nil {
				t.Fatal(err)
			}
			if _, err := chromedp.Call(p.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil { // its window is in front
				t.Fatal(err)
			}
			began := time.Now()
			walk(t, p)
			t.Logf("%d steps in %s, Tab was pressed %d times, at most %d for one step", p.steps, time.Since(began).Round(time.Second/10), p.tabs, p.far)
		})
	}
}

// listener notes in window.heard what a screen reader says by itself: what changes in live regions after the page has been loaded, and what the focus is moved to that nobody can
// operate, such as a message.
const listener = `(() => {
  const heard = window.heard = [];
  const live = '[role=status], [role=alert], [role=log], [aria-live]:not([aria-live=off])';
  const say = (e) => { const text = e?.textContent.trim().replace(/\s+/g, " "); if (text) heard.push(text); };
  addEventListener("focusin", (e) => { // what a field is described by is read out with it
    for (const id of e.target.getAttribute("aria-describedby")?.split(" ") ?? []) say(document.getElementById(id));
  }, true);
  addEventListener("focusin", (e) => { if (e.target.tabIndex === -1 && e.target.id !== "main") say(e.target); }, true);
  addEventListener("load", () => new MutationObserver((list) => {
    for (const m of list) {
      const at = m.target.nodeType === Node.ELEMENT_NODE ? m.target : m.target.parentElement;
      const region = at?.closest(live);
      if (region) say(region);
      for (const n of m.addedNodes) if (!region && n.nodeType === Node.ELEMENT_NODE && n.matches("[role=alert]")) say(n);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true }));
})()`

// thing is something on a page that can be operated.
type thing struct {
	role, name string
	node       cdp.BackendNodeID
	object     runtime.RemoteObjectID
}

// personTime bounds each step of a person: who waits longer than that for a page has gone.
const personTime = 20 * time.Second

// retry does something until it goes well.
func (p *person) retry(what string, try func() error) {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(personTime)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.shoot("failure")
			p.t.Fatalf("step %d, at %s: %s: %v", p.steps, p.text("location.pathname + location.search"), what, err)
		}
		<-tick.C
	}
}

// find looks for the first thing with a role whose name begins with the given words, as people scan a page. A name in quotation marks is the whole name.
func (p *person) find(role, name string) (*thing, error) {
	tree, err := chromedp.Call(p.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return nil, err
	}
	var others []string
	whole := strings.HasPrefix(name, `"`)
	want := strings.Trim(name, `"`)
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil || axText(n.Role) != role {
			continue
		}
		have := strings.Join(strings.Fields(axText(n.Name)), " ")
		if have == want || !whole && strings.HasPrefix(have, want) {
			resolved, err := chromedp.Call(p.ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: n.BackendDOMNodeID})
			if err != nil {
				return nil, err
			}
			return &thing{role, have, n.BackendDOMNodeID, resolved.Object.ObjectID}, nil
		}
		others = append(others, fmt.Sprintf("%q", have))
	}
	return nil, fmt.Errorf("there is no %s %q, only %s", role, name, strings.Join(others, ", "))
}

func axText(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	if err := json.Unmarshal(v.Value, &s); err != nil {
		return ""
	}
	return s
}

// ask calls a function on a thing, which may look and not touch.
func ask[T any](p *person, el *thing, function string) (answer T, err error) {
	res, err := chromedp.Call(p.ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{FunctionDeclaration: function, ObjectID: el.object, ReturnByValue: new(true)})
	if err != nil {
		return answer, err
	}
	if res.ExceptionDetails != nil {
		return answer, errors.New(res.ExceptionDetails.Text)
	}
	err = json.Unmarshal(res.Result.Value, &answer)
	return answer, err
}

// reach finds a thing and makes it the one that keys go to.
func (p *person) reach(role, name string) *thing {
	p.t.Helper()
	p.steps++
	var el *thing
	p.retry(fmt.Sprintf("get at %s %q", role, name), func() (err error) {
		if el, err = p.find(role, name); err != nil {
			return err
		}
		return p.hand.reach(p, el)
	})
	return el
}

// act presses something that changes this page: a button of a script, a summary.
func (p *person) act(role, name string) {
	p.t.Helper()
	p.hand.press(p, p.reach(role, name))
}

// follow presses something that leads to another page, and waits for that.
func (p *person) follow(role, name string) {
	p.t.Helper()
	before := p.text("performance.timeOrigin")
	p.act(role, name)
	p.arrives(before, fmt.Sprintf("%s %q leads nowhere", role, name))
}

func (p *person) arrives(before, otherwise string) {
	p.t.Helper()
	p.retry("follow", func() error {
		if !p.is("String(performance.timeOrigin) !== " + quote(before) + " && document.readyState === 'complete'") {
			return errors.New(otherwise)
		}
		return nil
	})
}

// write replaces what a field holds.
func (p *person) write(name, text string) {
	p.t.Helper()
	el := p.reachField(name)
	in(p.tab, chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	in(p.tab, chromedp.KeyEvent(text))
	p.retry("write", func() error {
		if have, err := ask[string](p, el, "function () { return this.value }"); err != nil || have != text {
			return fmt.Errorf("%q holds %q, not %q: %v", name, have, text, err)
		}
		return nil
	})
}

// stays rests at a thing while the page goes on: who has keys has the focus there.
func (p *person) stays(role, name string) {
	p.t.Helper()
	if _, ok := p.hand.(keys); ok {
		p.reach(role, name)
		return
	}
	p.retry("find", func() error {
		_, err := p.find(role, name)
		return err
	})
}

// reachField is reach for whatever takes text.
func (p *person) reachField(name string) *thing {
	p.t.Helper()
	p.steps++
	var el *thing
	p.retry(fmt.Sprintf("get at the field %q", name), func() (err error) {
		for _, role := range []string{"textbox", "searchbox", "combobox", "spinbutton"} {
			if el, err = p.find(role, name); err == nil {
				return p.hand.reach(p, el)
			}
		}
		return err
	})
	return el
}

// enter sends the form that the focus is in, with the key for that.
func (p *person) enter() {
	p.t.Helper()
	p.steps++
	before := p.text("performance.timeOrigin")
	p.press(kb.Enter)
	p.arrives(before, "Enter sends nothing")
}

// writeTime fills a field for a time of a day, part by part: Chromium has one for each number.
func (p *person) writeTime(name string, at time.Time) {
	p.t.Helper()
	el := p.reach("DateTime", name)
	p.press(strings.Repeat(kb.ArrowLeft, 6))
	p.press(at.Format("01"), at.Format("02"), at.Format("2006"))
	if limited, err := ask[bool](p, el, "function () { return this.max !== '' }"); err != nil || !limited {
		p.t.Errorf("%s: the year takes six digits, and people write four: it needs a greatest value (%v)", name, err)
	}
	p.press(at.Format("03"), at.Format("04"), at.Format("PM"))
	want := at.Format("2006-01-02T15:04")
	if have, err := ask[string](p, el, "function () { return this.value }"); err != nil || have != want {
		p.shoot("failure")
		p.t.Fatalf("%s holds %q, not %q: %v", name, have, want, err)
	}
}

// choose picks an option of a list by arrow keys: the open list of a browser is drawn outside of the page.
func (p *person) choose(name, option string) {
	p.t.Helper()
	el := p.reach("combobox", name)
	at, err := ask[[2]int](p, el, "function () { return [this.selectedIndex, [...this.options].findIndex((o) => o.text.startsWith("+quote(option)+"))] }")
	if err != nil || at[1] < 0 {
		p.t.Fatalf("%q does not offer %q: %v", name, option, err)
	}
	key := kb.ArrowDown
	if at[1] < at[0] {
		key, at[0], at[1] = kb.ArrowUp, at[1], at[0]
	}
	p.press(strings.Repeat(key, at[1]-at[0]))
	if _, clicked := p.hand.(mouse); clicked {
		p.press(kb.Enter)
	}
	p.retry("choose", func() error {
		if have, err := ask[string](p, el, "function () { return this.selectedOptions[0].text }"); err != nil || !strings.HasPrefix(have, option) {
			return fmt.Errorf("%q is at %q, not at %q: %v", name, have, option, err)
		}
		return nil
	})
}

// sees waits for words that are drawn.
func (p *person) sees(words ...string) {
	p.t.Helper()
	for _, w := range words {
		p.retry("see", func() error {
			if !p.is(`document.body.innerText.toLowerCase().includes(` + quote(strings.ToLower(w)) + `)`) {
				return fmt.Errorf("%q is not to be seen", w)
			}
			return nil
		})
	}
}

// hears waits for words that are said without being looked for.
func (p *person) hears(words string) {
	p.t.Helper()
	p.retry("hear", func() error {
		if !p.is(`heard.some((s) => s.includes(` + quote(words) + `))`) {
			return fmt.Errorf("%q is not said, only %s", words, p.text("JSON.stringify(heard)"))
		}
		return nil
	})
}

// keepsPlace checks that who has keys is still at something after the page has changed around it.
func (p *person) keepsPlace() {
	p.t.Helper()
	if _, ok := p.hand.(keys); ok && p.text("document.activeElement === document.body") == "true" {
		p.t.Errorf("step %d, at %s: the focus is lost", p.steps, p.text("location.pathname"))
	}
}

// quote is s as JavaScript writes it.
func quote(s string) string { return strconv.Quote(s) }

// back is the button of the browser.
func (p *person) back() {
	p.t.Helper()
	before := p.text("performance.timeOrigin")
	in(p.tab, chromedp.NavigateBack())
	p.arrives(before, "there is no way back")
}

// mouse is the hand of who points and clicks.
type mouse struct{}

// point is where a mouse would click on a thing, with why it cannot.
type point struct {
	X, Y float64
	Why  string
}

// visiblePoint is the middle of what is to be seen of the first box of this.
const visiblePoint = `function () {
  let e = this;
  let r = [...e.getClientRects()].find((r) => r.width > 0 && r.height > 0);
  if (!r) return { why: "it is not drawn" };
  const left = Math.max(r.left, 0), top = Math.max(r.top, 0), right = Math.min(r.right, innerWidth), bottom = Math.min(r.bottom, innerHeight);
  if (right - left < 1 || bottom - top < 1) return { why: "it is off the screen" };
  const x = (left + right) / 2, y = (top + bottom) / 2, hit = document.elementFromPoint(x, y);
  if (!hit || !(e === hit || e.contains(hit) || [...(e.labels ?? [])].some((l) => l === hit || l.contains(hit))))
    return { why: "it is covered by " + (hit ? hit.outerHTML.slice(0, 120) : "nothing") };
  return { x, y, why: "" };
}`

func (mouse) reach(p *person, el *thing) error {
	if _, err := chromedp.Call(p.ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: el.node}); err != nil {
		return err
	}
	at, err := ask[point](p, el, visiblePoint)
	if err != nil {
		return err
	}
	if at.Why != "" {
		return errors.New(at.Why)
	}
	if again, err := ask[point](p, el, visiblePoint); err != nil || again != at {
		return fmt.Errorf("it moves: %v", err)
	}
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		ev := input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y}
		if kind != input.DispatchMouseEventTypeMouseMoved {
			ev.Button, ev.ClickCount = input.MouseButtonLeft, 1
		}
		if _, err := chromedp.Call(p.ctx, input.DispatchMouseEvent, ev); err != nil {
			return err
		}
	}
	return nil
}

func (mouse) press(*person, *thing) {}

// keys is the hand of who has no mouse.
type keys struct{}

// farthest is how often Tab may have to be pressed to get to something.
const farthest = 40

// place is where the focus is, seen from a thing.
type place struct {
	Here, Nowhere, Skip, Main bool
	Beside                    bool   // the focus is in the thing, at a button that the browser draws for its calendar
	Gone                      bool   // the page has put another one into its place
	Behind                    bool   // the thing comes before the focus
	Where                     string // what has the focus
	Unseen                    string // why nobody sees that the focus is here
	Group                     []int  // of radio buttons: which one is this, which is ticked
}

const focusPlace = `function () {
  const a = document.activeElement, main = document.getElementById("main");
  const ring = (e, part) => { const s = getComputedStyle(e, part); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 && (!part || s.content !== "none"); };
  let stop = this, group = null;
  if (this.type === "radio") {
    const all = [...(this.form ?? document).querySelectorAll("input[type=radio]")].filter((r) => r.name === this.name);
    const on = all.findIndex((r) => r.checked);
    group = [all.indexOf(this), on];
    if (on >= 0) stop = all[on];
  }
  const beside = a === stop && a.type === "datetime-local" && !a.matches(":focus-visible"), here = a === stop && !beside;
  let unseen = "";
  if (here) {
    const around = [a, a.closest("tr"), a.parentElement, ...(a.labels ?? [])].filter(Boolean);
    const r = a.getClientRects()[0], hit = r && document.elementFromPoint((r.left + r.right) / 2, (Math.max(r.top, 0) + Math.min(r.bottom, innerHeight)) / 2);
    if (!a.matches(":focus-visible")) unseen = "the focus is not shown";
    else if (!around.some((e) => ring(e)) && !ring(a, "::after") && !ring(a, "::before")) unseen = "nothing is drawn around it";
    else if (!hit || !(a === hit || a.contains(hit) || hit.contains(a) || [...(a.labels ?? [])].some((l) => l.contains(hit)))) unseen = "it is covered by " + (hit ? hit.outerHTML.slice(0, 120) : "nothing, off the screen");
  }
  return { gone: !this.isConnected, beside, here, nowhere: !a || a === document.body, skip: !!a?.matches(".skip"), main: !!main?.contains(this) && main !== this,
    behind: !!(stop.compareDocumentPosition(a) & Node.DOCUMENT_POSITION_FOLLOWING), where: a ? a.outerHTML.slice(0, 120) : "", unseen, group };
}`

func (keys) reach(p *person, el *thing) error {
	n := 0
	step := func(back bool) {
		n++
		var o []chromedp.KeyOption
		if back {
			o = append(o, chromedp.KeyModifiers(chromedp.ModifierShift))
		}
		in(p.tab, chromedp.KeyEvent(kb.Tab, o...))
	}
	behind, turns := false, 0
	for {
		at, err := ask[place](p, el, focusPlace)
		if err != nil {
			return err
		}
		if at.Gone {
			return errors.New("it is gone")
		}
		if at.Here {
			p.tabs += n
			p.far = max(p.far, n)
			if at.Unseen != "" {
				p.t.Errorf("step %d, at %s: %s %q: %s", p.steps, p.text("location.pathname"), el.role, el.name, at.Unseen)
			}
			if g := at.Group; g != nil && g[1] >= 0 {
				p.press(strings.Repeat(kb.ArrowDown, max(g[0]-g[1], 0)) + strings.Repeat(kb.ArrowUp, max(g[1]-g[0], 0)))
			}
			return nil
		}
		if n >= farthest {
			p.shoot("failure")
			p.t.Fatalf("step %d, at %s: Tab was pressed %d times, and %s %q has not got the focus: it is at %s", p.steps, p.text("location.pathname"), n, el.role, el.name, at.Where)
		}
		if at.Beside {
			step(behind)
			continue
		}
		if n > 0 && !at.Nowhere && at.Behind != behind {
			if turns++; turns > 1 {
				p.shoot("failure")
				p.t.Fatalf("step %d, at %s: Tab passes %s %q by, to %s", p.steps, p.text("location.pathname"), el.role, el.name, at.Where)
			}
		}
		behind = at.Behind && !at.Nowhere
		if at.Skip && at.Main {
			p.press(kb.Enter)
			n++
			p.until(`document.activeElement?.id === "main"`)
			step(false)
			continue
		}
		step(behind)
	}
}

func (keys) press(p *person, el *thing) {
	switch el.role {
	case "radio": // the arrow has ticked it
		if on, err := ask[bool](p, el, "function () { return this.checked }"); err != nil || !on {
			p.press(" ")
		}
	case "button", "checkbox", "DisclosureTriangle":
		p.press(" ")
	default:
		p.press(kb.Enter)
	}
}
