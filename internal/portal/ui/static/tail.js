// Makes a list live. Without it the page shows the same after a reload.
"use strict";

(() => {
  const most = () => Number(list.dataset.most) || 100; // rows
  const tries = 6; // to come back to a server that refuses, the last after a minute or so
  let source = null;
  let list = null;
  let waiting = []; // rows that are held back
  let arrived = 0;
  let saying = 0;
  let wanted = true;
  let refused = 0;
  let again = 0;
  const $ = (name) => list.querySelector("[data-tail-" + name + "]");

  // Announcements are gathered. The place is emptied first, or the same words would not be said again.
  const say = () => {
    if (saying) return;
    $("news").textContent = "";
    saying = setTimeout(() => {
      if (arrived) $("news").textContent = arrived === 1 ? "1 new row" : arrived + " new rows";
      arrived = 0;
      saying = 0;
    }, 2000);
  };
  const state = (word, on) => {
    const s = $("state");
    s.hidden = false;
    s.classList.toggle("on", on);
    s.querySelector("span:last-child").textContent = word;
  };
  // touched reports whether somebody is at an element: the focus or a selection is in it.
  const touched = (e) => {
    const chosen = getSelection();
    return e.contains(document.activeElement) || !chosen.isCollapsed && e.contains(chosen.anchorNode);
  };
  // Nothing moves under who reads: rows wait while the list is scrolled past, somebody is at it, or has chosen some.
  const busy = () => {
    const rows = $("rows");
    return rows.getBoundingClientRect().top < 0 || touched(rows) || Boolean(rows.querySelector("input:checked"));
  };
  const shown = (id) => $("rows").querySelector('[data-id="' + CSS.escape(id) + '"]');
  const node = (html) => {
    const t = document.createElement("template");
    t.innerHTML = html;
    return t.content.firstElementChild;
  };
  // left says that not all rows are here; the pager does not know where those begin that had to go.
  const left = (text) => {
    const m = $("more");
    m.hidden = false;
    m.firstElementChild.textContent = text;
  };
  const full = () => {
    if (list.dataset.most) return; // it says where all are
    left("The newest " + most() + " are shown.");
    const pager = list.querySelector(".pager-links");
    if (pager) pager.hidden = true;
  };
  const place = (row) => {
    const rows = $("rows");
    const fresh = node(row.html);
    const had = shown(row.id);
    if (had) {
      const box = fresh.querySelector("input");
      if (box) box.checked = had.querySelector("input")?.checked;
      had.replaceWith(fresh);
    } else rows.prepend(fresh);
    document.body.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: fresh } }));
    while (rows.children.length > most()) {
      rows.lastElementChild.remove();
      full();
    }
    $("table").hidden = false;
    const blank = $("blank");
    if (blank) blank.hidden = true;
  };
  const held = () => {
    const b = $("held");
    b.hidden = waiting.length === 0;
    b.textContent = "Show " + waiting.length + " new " + (waiting.length === 1 ? "row" : "rows");
  };
  const release = () => {
    const rows = waiting;
    waiting = [];
    for (const row of rows) place(row);
    if ($("held") === document.activeElement) $("toggle").focus({ preventScroll: true });
    held();
  };
  const settle = () => { if (list && waiting.length && !busy()) release(); };
  const stop = () => {
    clearTimeout(again);
    source?.close();
    source = null;
  };
  const lost = () => {
    if (source?.readyState !== EventSource.CLOSED) { state("connecting again", false); return; }
    if (++refused > tries) { state("not live: reload the page", false); return; }
    state("connecting again", false);
    again = setTimeout(start, 1000 * 2 ** refused);
  };
  const start = () => {
    stop();
    const here = document.querySelector("[data-tail]");
    if (here !== list) {
      list = here;
      waiting = [];
      arrived = 0;
    }
    if (!list || !window.EventSource || "paged" in list.dataset) return; // what is new does not belong to older rows
    const button = $("toggle");
    button.hidden = false;
    button.textContent = wanted ? "Pause" : "Go live";
    if (!wanted) { state("not live", false); return; }
    const url = new URL(list.dataset.tail, location.href);
    url.searchParams.set("after", list.dataset.newest);
    source = new EventSource(url);
    source.addEventListener("open", () => { refused = 0; state("live", true); });
    source.addEventListener("error", lost);
    source.addEventListener("row", (e) => {
      const row = JSON.parse(e.data);
      list.dataset.newest = e.lastEventId;
      const known = shown(row.id);
      if (known && !touched(known)) { place(row); return; }
      if (!known) { arrived++; say(); }
      if (!busy()) { release(); place(row); return; }
      const at = waiting.findIndex((r) => r.id === row.id);
      if (at >= 0) waiting[at] = row; else waiting.push(row);
      if (waiting.length > most()) { waiting.shift(); full(); }
      held();
    });
    source.addEventListener("more", (e) => {
      const m = $("more");
      m.dataset.n = Number(m.dataset.n || 0) + Number(e.data);
      left("+" + Number(m.dataset.n).toLocaleString() + " more came faster than can be shown.");
    });
  };
  document.addEventListener("click", (e) => {
    if (e.target.closest("[data-tail-held]")) release();
    const toggle = e.target.closest("[data-tail-toggle]");
    if (toggle) { wanted = !wanted; refused = 0; start(); }
    const all = e.target.closest("[data-tail-all]");
    if (all) for (const box of list?.querySelectorAll("tbody input[type=checkbox]") ?? []) box.checked = all.checked;
  });
  document.body.addEventListener("htmx:load", (e) => { if (e.detail.elt.matches?.("#found")) start(); });
  // What made rows wait is over.
  addEventListener("scroll", settle, { passive: true });
  document.addEventListener("change", settle);
  document.addEventListener("focusout", () => setTimeout(settle));
  document.addEventListener("selectionchange", settle);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (e) => { if (e.persisted) start(); });
  start();
})();
