// Makes a list live. Without it the page shows the same after a reload.
"use strict";

(() => {
  const maxRows = 100;
  let source = null;
  let list = null;
  let waiting = [];
  let arrived = 0;
  let saying = 0;
  let wanted = true;
  const $ = (name) => list.querySelector("[data-tail-" + name + "]");

  const say = () => {
    saying ||= setTimeout(() => {
      const news = $("news");
      if (news && arrived) news.textContent = arrived === 1 ? "1 new row" : arrived + " new rows";
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
  // Nothing moves under who reads: rows wait while the list is scrolled past, or the focus or a selection is in it.
  const busy = () => {
    const rows = $("rows");
    const chosen = getSelection();
    return rows.getBoundingClientRect().top < 0 || rows.contains(document.activeElement) || rows.querySelector("input:checked") || !chosen.isCollapsed && rows.contains(chosen.anchorNode);
  };
  const node = (html) => {
    const t = document.createElement("template");
    t.innerHTML = html;
    return t.content.firstElementChild;
  };
  const place = (row) => {
    const rows = $("rows");
    const fresh = node(row.html);
    const had = rows.querySelector('[data-id="' + CSS.escape(row.id) + '"]');
    if (had) had.replaceWith(fresh); else rows.prepend(fresh);
    document.body.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: fresh } }));
    while (rows.children.length > maxRows) rows.lastElementChild.remove();
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
    for (const row of waiting) place(row);
    waiting = [];
    held();
  };
  const stop = () => {
    source?.close();
    source = null;
  };
  const start = () => {
    stop();
    list = document.querySelector("[data-tail]");
    if (!list || !window.EventSource) return;
    waiting = [];
    const button = $("toggle");
    button.hidden = false;
    button.textContent = wanted ? "Pause" : "Go live";
    if (!wanted) { state("not live", false); return; }
    const url = new URL(list.dataset.tail, location.href);
    url.searchParams.set("after", list.dataset.newest);
    source = new EventSource(url);
    source.addEventListener("open", () => state("live", true));
    source.addEventListener("error", () => state(source?.readyState === EventSource.CLOSED ? "not live: reload the page" : "connecting again", false));
    source.addEventListener("row", (e) => {
      const row = JSON.parse(e.data);
      list.dataset.newest = e.lastEventId;
      const known = $("rows").querySelector('[data-id="' + CSS.escape(row.id) + '"]');
      if (known && !known.contains(document.activeElement)) { place(row); return; }
      arrived++;
      say();
      if (!busy()) { release(); place(row); return; }
      const at = waiting.findIndex((r) => r.id === row.id);
      if (at >= 0) waiting[at] = row; else waiting.push(row);
      if (waiting.length > maxRows) waiting.shift();
      held();
    });
    source.addEventListener("more", (e) => {
      const m = $("more");
      m.dataset.n = Number(m.dataset.n || 0) + Number(e.data);
      m.hidden = false;
      m.firstElementChild.textContent = "+" + Number(m.dataset.n).toLocaleString() + " more came faster than can be shown.";
    });
  };
  document.addEventListener("click", (e) => {
    if (e.target.closest("[data-tail-held]")) release();
    const toggle = e.target.closest("[data-tail-toggle]");
    if (toggle) { wanted = !wanted; start(); }
    const all = e.target.closest("[data-tail-all]");
    if (all) for (const box of list?.querySelectorAll("tbody input[type=checkbox]") ?? []) box.checked = all.checked;
  });
  document.body.addEventListener("htmx:load", (e) => { if (e.detail.elt.matches?.("#found")) start(); });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (e) => { if (e.persisted) start(); });
  start();
})();
