// What pages can do beyond being read and sent: copying, times of the reader's zone, dialogs, charts, notes. Pages work without it.
"use strict";

(() => {
  const root = document.documentElement;
  const each = (within, selector, fn) => { for (const e of within.querySelectorAll(selector)) fn(e); };

  // A page that is left while it is still being shown ends its transition early, which is no failure.
  addEventListener("pagereveal", (event) => {
    const shown = event.viewTransition;
    if (shown) for (const end of [shown.ready, shown.updateCallbackDone, shown.finished]) end.catch(() => {});
  });

  // Notes are said once and go away by themselves.
  const say = (text) => {
    const box = document.getElementById("toasts");
    if (!box) return;
    const note = document.createElement("p");
    note.className = "toast";
    note.textContent = text;
    box.append(note);
    setTimeout(() => note.remove(), 5000);
  };

  // What changes where nobody looks is said to those who do not see it.
  const announce = (text) => { document.getElementById("said").textContent = text; };

  const copy = async (button) => {
    const from = document.getElementById(button.dataset.copy);
    const text = ("value" in from ? from.value : from.textContent).replace(/^\n/, "");
    try {
      await navigator.clipboard.writeText(text);
      say(button.textContent.trim().replace(/^Copy/, "Copied") + ".");
    } catch {
      if (from.select) from.select(); else getSelection().selectAllChildren(from);
      say("Press Ctrl+C to copy what is selected.");
    }
  };

  // Times are written in the reader's zone; the server wrote them in UTC.
  const ago = (at) => {
    const s = Math.round((Date.now() - at) / 1000);
    const rough = (n) => n < 60 ? n + " s" : n < 3600 ? Math.floor(n / 60) + " min" : n < 172800 ? Math.floor(n / 3600) + " h" : Math.floor(n / 86400) + " days";
    return s >= 0 && s < 2 ? "just now" : s < 0 ? "in " + rough(-s) : s > 1209600 ? at.toLocaleDateString(undefined, { day: "numeric", month: "short" }) : rough(s) + " ago";
  };
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const times = (within) => each(within, "time[datetime]", (t) => {
    const at = new Date(t.dateTime);
    t.title = at.toLocaleString(undefined, { dateStyle: "long", timeStyle: "long" });
    if (t.classList.contains("date")) t.textContent = at.toLocaleString(undefined, { dateStyle: "long", timeStyle: "medium" });
    else if (t.classList.contains("clock")) t.textContent = at.toDateString() === new Date().toDateString() ? at.toLocaleTimeString(undefined, clock) : at.toLocaleString(undefined, { day: "numeric", month: "short", ...clock });
    else t.textContent = ago(at);
  });
  setInterval(() => each(document, "time[datetime]:not(.clock,.date)", (t) => { t.textContent = ago(new Date(t.dateTime)); }), 15000);

  // Fields of times hold UTC for the server, and are shown in the reader's zone.
  const minutes = (at) => at.toISOString().slice(0, 16);
  const zoned = (f) => {
    const at = new Date(f.value + "Z");
    if (f.value && !isNaN(at)) f.value = minutes(new Date(at - at.getTimezoneOffset() * 60000));
    f.dataset.utc = "shown";
    const hint = document.getElementById(f.id + "-hint");
    if (hint) hint.textContent = hint.textContent.replace("UTC", "your time (" + Intl.DateTimeFormat().resolvedOptions().timeZone + ")");
  };
  document.addEventListener("formdata", (e) => each(e.target, "[data-utc=shown][name]", (f) => { if (f.value) e.formData.set(f.name, minutes(new Date(f.value))); }));

  // A long list of choices is sifted by what is written above it; * stands for anything.
  const sift = (field) => {
    const tree = document.getElementById(field.dataset.sift);
    const words = field.value.toLowerCase().split(/[\s,]+/).filter(Boolean).map((w) => w.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    const fit = words.map((w) => new RegExp(w.includes("*") ? "^" + w.replaceAll("*", ".*") + "$" : w));
    let n = 0;
    each(tree, "details", (d) => {
      let some = 0;
      each(d, "li", (li) => {
        const box = li.querySelector("input");
        li.hidden = fit.length > 0 && ("group" in box.dataset || !fit.some((r) => r.test(box.value.toLowerCase()) || r.test(li.textContent.toLowerCase())));
        if (!li.hidden) some++;
      });
      n += some;
      d.hidden = !some;
      d.before ??= d.open;
      d.open = fit.length > 0 ? some > 0 : d.before;
      if (!fit.length) delete d.before;
    });
    field.closest(".sift").querySelector("[data-sift-says]").textContent = fit.length ? (n || "none") + " shown" : "";
  };
  document.addEventListener("input", ({ target }) => { if (target.dataset?.sift) sift(target); });
  document.addEventListener("keydown", (e) => { if (e.key === "Enter" && e.target.dataset?.sift) e.preventDefault(); });
  document.addEventListener("change", ({ target }) => {
    const tree = target.closest?.("[data-choose]");
    if (!tree) return;
    if ("group" in target.dataset) each(target.closest("ul"), "input", (box) => { box.checked = target.checked; });
    else if (!target.checked) each(target.closest("ul"), "[data-group]", (box) => { box.checked = false; });
    if (tree.querySelector("input:checked")) document.getElementById(tree.dataset.choose).checked = true;
  });

  // A filter bar suggests what may follow what stands there already: the browser compares the whole of a field with its list.
  document.addEventListener("input", ({ target }) => {
    const list = target.closest?.("search.filter") && target.list;
    if (!list) return;
    list.words ||= Array.from(list.options, (o) => o.value);
    const before = target.value.slice(0, target.value.search(/[^\s]*$/)), word = target.value.slice(before.length).toLowerCase();
    const fit = before && !word ? [] : list.words.filter((w) => w.toLowerCase().startsWith(word));
    list.replaceChildren(...fit.slice(0, 30).map((w) => new Option("", before + w)));
  });

  // A chart is a picture of its table.
  const drawn = new Map();
  const color = (tone) => getComputedStyle(root).getPropertyValue("--plot-" + (tone || "accent")).trim();
  const solid = (value) => { // what the canvas can take: light-dark() is worked out on an element
    const probe = document.createElement("i");
    probe.style.color = value;
    document.body.append(probe);
    const c = getComputedStyle(probe).color;
    probe.remove();
    return c;
  };
  const draw = (figure) => {
    if (!window.uPlot) return;
    const { unit, stack, times: at, series } = JSON.parse(figure.dataset.chart);
    const box = figure.querySelector(".chart-plot");
    drawn.get(figure)?.destroy();
    box.hidden = false;
    const values = series.map((s) => s.values);
    const sums = values.map((v) => v.slice());
    if (stack) for (let i = sums.length - 2; i >= 0; i--) sums[i] = sums[i].map((v, j) => v + sums[i + 1][j]);
    const soft = solid("var(--soft)"), line = solid("var(--line)");
    const font = "11px " + getComputedStyle(document.body).fontFamily;
    const half = at.length > 1 ? (at[1] - at[0]) * 0.6 : 1800;
    const tick = (v) => { const d = new Date(v * 1000); return d.getHours() || d.getMinutes() ? d.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) : d.toLocaleDateString(undefined, { day: "numeric", month: "short" }); };
    const moment = (v) => new Date(v * 1000).toLocaleString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, font };
    const whole = Array.from({ length: 12 }, (_, k) => [1, 2, 5].map((n) => n * 10 ** k)).flat(); // nothing is counted in halves
    const bars = uPlot.paths.bars({ size: [0.82, 40], radius: 0.15 });
    drawn.set(figure, new uPlot({
      width: Math.max(box.clientWidth, 200), height: 200, padding: [10, 16, 0, 0],
      cursor: { points: { show: !stack }, drag: { x: false, y: false } },
      scales: { x: { range: (_u, min, max) => stack ? [min - half, max + half] : [min, max] }, y: { range: (_u, _min, max) => [0, Math.max(max * 1.08, 1)] } },
      series: [{ label: "When", value: (_u, v) => v == null ? moment(at[0]) + " to " + moment(at.at(-1)) : moment(v) },
        ...series.map((s, i) => {
          const c = solid(color(s.tone));
          return { label: s.name, stroke: c, fill: stack ? c : undefined, width: stack ? 0 : 1.75, paths: stack ? bars : undefined, points: { show: false },
            value: (_u, v, _si, j) => j == null || values[i][j] == null ? (stack && j == null ? values[i].reduce((a, b) => a + (b || 0), 0).toLocaleString() + " " + unit : "–") : values[i][j].toLocaleString() + " " + unit };
        })],
      axes: [{ ...axis, grid: { show: false }, space: 64, size: 28, values: (_u, list) => list.map(tick) }, { ...axis, size: 46, incrs: whole }],
    }, [at, ...sums], box));
    const table = figure.querySelector(".chart-table");
    if (!figure.dataset.ready) table.open = false;
    figure.dataset.ready = "yes";
  };
  const redraw = () => { for (const f of drawn.keys()) if (f.isConnected) draw(f); else drawn.delete(f); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let resizing = 0;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(redraw, 150); });

  const dress = (within) => {
    each(within, "[data-copy]", (b) => { b.hidden = false; });
    each(within, "[data-script]", (e) => { e.hidden = false; });
    each(within, "[data-noscript]", (e) => { e.hidden = true; });
    times(within);
    each(within, "[data-utc='']", zoned);
    each(within, ".tabs [aria-current]", (a) => { const list = a.closest("ul"); list.scrollLeft = a.offsetLeft - (list.clientWidth - a.offsetWidth) / 2; });
    each(within, "[data-chart]", draw);
  };
  dress(document);
  document.body.addEventListener("htmx:load", (e) => { if (e.detail.elt !== document.body) dress(e.detail.elt); });

  // What is swapped takes the focus with it: it goes back to the same thing, or else to what holds it.
  const like = (e) => [e.tagName, e.getAttribute("href") ?? e.form?.getAttribute("action"), e.name, e.textContent.trim()].join("\n");
  const news = (box) => box?.querySelector("[data-says]")?.textContent.trim();
  let before = null;
  // What could not be had leaves what is there, says so above it, and can be tried again. Who has no session any more is shown the way in.
  const broken = ({ xhr, target, requestConfig: { elt } }, text) => {
    target.removeAttribute("aria-busy");
    if (xhr.status === 401) { location.reload(); return; }
    if (target.previousElementSibling?.classList.contains("retry")) return;
    const bar = document.createElement("div"), words = document.createElement("p"), again = document.createElement("button");
    bar.className = "banner bad retry";
    bar.setAttribute("role", "alert");
    words.textContent = text + " What is shown below may be old. ";
    again.className = "btn small";
    again.textContent = "Try again";
    again.addEventListener("click", () => { if (elt.requestSubmit) elt.requestSubmit(); else location.reload(); });
    words.append(again);
    bar.append(words);
    target.before(bar);
  };
  document.body.addEventListener("htmx:beforeSwap", (e) => {
    const box = e.detail.target, at = document.activeElement;
    if (e.detail.xhr.status >= 400 && !e.detail.serverResponse.includes('id="' + box.id + '"')) {
      e.detail.shouldSwap = false; // a page that says what is wrong has nothing to put in place of the list
      broken(e.detail, "The server answered " + e.detail.xhr.status + " and not with the list.");
      return;
    }
    before = { id: box.id, had: box.contains(at) && like(at), news: news(box) };
  });
  document.body.addEventListener("htmx:afterSettle", (e) => {
    const box = before?.id && document.getElementById(before.id);
    if (!box) return;
    each(document, ".retry", (bar) => bar.remove());
    if (before.had && document.activeElement === document.body) {
      let to = [...box.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].find((e) => like(e) === before.had);
      if (!to) { to = box; to.tabIndex = -1; }
      to.focus({ preventScroll: true });
    }
    if (e.detail.requestConfig?.elt.closest("search")) announce(box.querySelector(".filter-wrong, .blank h2, [data-shown]")?.textContent.trim() ?? "");
    else if (news(box) !== before.news) announce(news(box) ?? "");
    before = null;
  });
  document.body.addEventListener("htmx:sendError", (e) => broken(e.detail, "The server cannot be reached."));
  document.body.addEventListener("htmx:beforeRequest", (e) => { if (e.detail.elt.closest("search")) e.detail.target.setAttribute("aria-busy", "true"); });

  document.addEventListener("click", (e) => {
    const refused = e.target.closest("[data-refused]");
    if (refused) {
      e.preventDefault();
      say(refused.dataset.refused);
      return;
    }
    const button = e.target.closest("[data-copy]");
    if (button) { copy(button); return; }
    const opener = e.target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (dialog?.showModal) { e.preventDefault(); dialog.showModal(); }
      return;
    }
    const all = e.target.closest("[data-all]");
    if (all) each(all.form, "tbody input[type=checkbox]", (box) => { box.checked = all.checked; });
    const choose = e.target.closest("[data-sift-choose]");
    if (choose) {
      const boxes = [...document.getElementById(choose.dataset.siftChoose).querySelectorAll("li:not([hidden]) input:not([data-group])")];
      for (const box of boxes) box.checked = true;
      boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
      boxes[0]?.dispatchEvent(new Event("input", { bubbles: true }));
    }
    e.target.closest("[data-close]")?.closest("dialog").close();
  });
  // What is written into a search is looked for while it is written. Leaving the field is no reason to look again, and to put anew what somebody is just using.
  document.addEventListener("change", (e) => { if (e.target.type === "search" && e.target.closest("search")) e.stopPropagation(); }, true);

  // A form that has been changed and not sent is not left without a question.
  let dirty = false;
  document.addEventListener("input", (e) => { if (e.target.closest("form[data-guard]")) dirty = true; });
  document.addEventListener("submit", (e) => {
    if (e.submitter?.dataset.refused) e.preventDefault();
    else dirty = false;
  });
  addEventListener("beforeunload", (e) => { if (dirty) e.preventDefault(); });

  // What a page has to say gets the focus when it comes: it is read out, and the next Tab goes on from it. Where the address or a field says where to begin, it is said beside.
  const flash = document.querySelector(".flash"), arrival = document.getElementById("problems") ?? document.querySelector("[aria-invalid=true]") ?? [...document.querySelectorAll("[data-arrive]")].at(-1);
  const elsewhere = document.querySelector("[autofocus]") || location.hash && document.getElementById(location.hash.slice(1));
  if (!elsewhere) arrival?.focus();
  if (flash && (elsewhere || flash !== arrival)) addEventListener("load", () => say(flash.textContent.trim()));

  // The answer to a form is a page like any other to who reloads it or comes back to it: nothing is sent again.
  if (document.body.dataset.posted) history.replaceState(history.state, "", document.body.dataset.posted);

  // A page that frames the portal is told how high it is, and where it went.
  if (parent !== window) {
    const tell = (type, payload) => parent.postMessage({ type, payload }, "*");
    let last = 0;
    new ResizeObserver(() => {
      const height = Math.ceil(document.body.getBoundingClientRect().height);
      if (height !== last) tell("svix.iframe-resizer-height", { height: last = height });
    }).observe(document.body);
    const { event, detail } = document.body.dataset;
    if (event === "session-expired") tell("hookswitch." + event, { reason: detail });
    else if (!document.body.classList.contains("bare")) {
      tell("hookswitch.ready", {});
      tell("hookswitch.navigate", { path: location.pathname });
      if (event) tell("hookswitch." + event, { endpoint: detail });
    }
    // What may not be shown in a frame opens beside it.
    document.addEventListener("click", (e) => {
      const link = e.target.closest('a[href^="/play"], a[href^="/docs"]');
      if (link) { link.target = "_blank"; link.rel = "noopener"; }
    }, true);
    addEventListener("message", (e) => {
      if (e.source !== parent || e.data?.type !== "hookswitch.theme") return;
      const theme = e.data.payload?.theme;
      if (theme === "light" || theme === "dark") root.dataset.theme = theme;
      else if (theme === "auto") delete root.dataset.theme;
      redraw();
    });
  }
})();
