// Makes the page of a bin live. Without it the page shows the same after a reload.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  const body = document.body;
  const base = body.dataset.bin;
  const maxRows = 50;
  const signs = { good: "✓", bad: "✕", unknown: "?", unsigned: "○" };

  const localize = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      time.title = time.dateTime;
      time.textContent = time.classList.contains("clock") ? at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }) : at.toLocaleString(undefined, { dateStyle: "long", timeStyle: "medium" });
    }
  };
  localize(document);

  // Announcements are gathered, so that a burst is one sentence.
  let arrived = 0;
  let saying = 0;
  const say = (text) => { $("news").textContent = text; };
  const announce = (request) => {
    arrived++;
    saying ||= setTimeout(() => {
      const what = arrived === 1 ? "1 new request" : arrived + " new requests";
      say(what);
      alert(what, request);
      arrived = 0;
      saying = 0;
    }, 1000);
  };

  // Who wants it is told by the browser, and by a sound. Both are off until somebody turns them on, in this browser alone.
  const wish = "hookswitch.play.";
  const wanted = (name) => { try { return localStorage.getItem(wish + name) === "on"; } catch { return false; } };
  const want = (name, on) => {
    $(name).setAttribute("aria-pressed", on);
    try { if (on) localStorage.setItem(wish + name, "on"); else localStorage.removeItem(wish + name); } catch { /* for this page only, then */ }
  };
  let audio = null;
  const ring = () => {
    audio ||= new AudioContext();
    audio.resume().then(() => {
      for (const [i, pitch] of [659, 880].entries()) {
        const tone = audio.createOscillator(), volume = audio.createGain(), at = audio.currentTime + i * 0.12;
        tone.frequency.value = pitch;
        volume.gain.setValueAtTime(0.0001, at);
        volume.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
        volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.3);
        tone.connect(volume).connect(audio.destination);
        tone.start(at);
        tone.stop(at + 0.32);
      }
    });
  };
  const on = (name) => $(name).getAttribute("aria-pressed") === "true";
  const alert = (what, request) => {
    if (on("sound")) ring();
    if (!on("notify") || Notification.permission !== "granted" || document.hasFocus()) return;
    try {
      const note = new Notification(what + " · " + body.dataset.name, { body: request.method + " " + (request.type || request.path || "/") + "\n" + request.verdict.word, tag: base });
      note.onclick = () => { window.focus(); note.close(); };
    } catch { want("notify", false); } // some browsers let only service workers do that
  };
  const toggle = async (name) => {
    if (on(name)) { want(name, false); say(name === "sound" ? "The sound is off." : "Notifications are off."); return; }
    if (name === "sound") { ring(); want(name, true); say("The sound is on."); return; }
    const answer = window.Notification ? await Notification.requestPermission() : "denied";
    want(name, answer === "granted");
    say(answer === "granted" ? "You are notified of new requests while you are elsewhere." : "This browser does not allow notifications from this page.");
    if (answer !== "granted") $(name).title = "This browser does not allow notifications from this page.";
  };
  for (const name of ["notify", "sound"]) {
    if (wanted(name) && (name === "sound" || window.Notification?.permission === "granted")) want(name, true);
    $(name).addEventListener("click", () => toggle(name));
  }

  // What became of sending a request on is said where the request stands.
  const went = (id, what) => {
    const cell = $("rows").querySelector('[data-id="' + CSS.escape(id) + '"] .went');
    if (cell) {
      cell.hidden = false;
      cell.className = "went " + what.state;
      cell.lastElementChild.textContent = what.word;
    }
    const fact = $("detail").dataset.id === id && $("sent-on");
    if (fact) {
      fact.hidden = false;
      fact.lastElementChild.textContent = what.text;
    }
  };

  const addRow = (request) => {
    const rows = $("rows");
    if (rows.querySelector('[data-id="' + CSS.escape(request.id) + '"]')) return;
    const row = $("row").content.firstElementChild.cloneNode(true);
    const text = (selector, value) => { row.querySelector(selector).textContent = value; };
    row.dataset.id = request.id;
    row.className = "fresh";
    const pick = row.querySelector("input");
    pick.value = request.id;
    pick.setAttribute("aria-label", "Choose " + request.method + " of " + request.clock);
    row.querySelector("a").href = base + "?request=" + encodeURIComponent(request.id);
    text(".method", request.method);
    text(".type", request.type || request.path || "/");
    text(".sign", signs[request.verdict.state] || "?");
    text(".word", request.verdict.word);
    row.querySelector(".judged").classList.add(request.verdict.state);
    text(".size", request.length);
    row.querySelector("time").dateTime = request.time;
    localize(row);
    rows.prepend(row);
    while (rows.children.length > maxRows) rows.lastElementChild.remove();
    $("table").hidden = false;
    $("empty").hidden = true;
    if (request.forwarded) went(request.id, request.forwarded);
  };

  // The right side follows the newest request, unless one was chosen or somebody is busy there.
  const busy = () => {
    const detail = $("detail");
    const selection = getSelection();
    return detail.contains(document.activeElement) || (!selection.isCollapsed && detail.contains(selection.anchorNode));
  };
  let following = 0;
  let behind = false;
  const filtered = () => "filtered" in $("listing").dataset;
  const follow = () => {
    if ("chosen" in body.dataset && !filtered()) return;
    behind = true;
    following ||= setTimeout(async () => {
      behind = false;
      try {
        const answer = busy() ? null : await fetch(filtered() ? location.href : base, { headers: { Accept: "text/html" } });
        if (answer?.ok && !busy()) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          if (filtered()) { // what matches is the server's to say
            const chosen = new Set([...$("rows").querySelectorAll("input:checked")].map((i) => i.value));
            const listing = document.importNode(page.getElementById("listing"), true);
            $("listing").replaceWith(listing);
            localize(listing);
            for (const i of listing.querySelectorAll("input")) i.checked = chosen.has(i.value);
            if ("chosen" in body.dataset) throw null;
          }
          const fresh = document.importNode(page.getElementById("detail"), true);
          $("detail").replaceWith(fresh);
          localize(fresh);
          const id = page.querySelector("tr.current")?.dataset.id;
          for (const row of $("rows").children) {
            const current = row.dataset.id === id;
            row.classList.toggle("current", current);
            row.querySelector("a").toggleAttribute("aria-current", current);
            if (current) row.querySelector("a").setAttribute("aria-current", "true");
          }
        }
      } catch {
        // The server is away; the next request brings another try.
      }
      following = 0;
      if (behind) follow();
    }, 250);
  };

  // Keys: j and k move through the list, / searches, p pins, c copies.
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest?.("input, textarea, select, [contenteditable]")) return;
    const links = [...document.querySelectorAll("#rows .request a")];
    const at = links.findIndex((a) => a === document.activeElement);
    const from = at >= 0 ? at : links.findIndex((a) => a.hasAttribute("aria-current"));
    switch (e.key) {
      case "j": links[Math.min(from + 1, links.length - 1)]?.focus(); break;
      case "k": links[Math.max(from - 1, 0)]?.focus(); break;
      case "/": document.querySelector(".list input[type=search]")?.focus(); break;
      case "p": $("pin")?.click(); break;
      case "c": {
        const link = $("as-curl");
        if (!link) return;
        fetch(link.href).then((r) => r.text()).then((t) => navigator.clipboard.writeText(t)).then(() => say("Copied as curl."), () => say("That could not be copied."));
        break;
      }
      default: return;
    }
    e.preventDefault();
  });

  if ("paged" in body.dataset || !window.EventSource) return;
  for (const link of document.querySelectorAll(".reload")) link.hidden = true;
  const state = (word, on) => {
    $("live").hidden = false;
    $("live").classList.toggle("on", on);
    $("live-word").textContent = word;
  };
  const source = new EventSource(base + "/events?after=" + encodeURIComponent(body.dataset.newest) + "&waiting=" + body.dataset.waiting);
  source.addEventListener("open", () => state("live", true));
  source.addEventListener("error", () => state(source.readyState === EventSource.CLOSED ? "not live: reload the page" : "connecting again", false));
  source.addEventListener("gone", () => { source.close(); state("this bin has expired", false); });
  source.addEventListener("request", (event) => {
    if ("paged" in $("listing").dataset) return;
    if (!filtered()) addRow(JSON.parse(event.data));
    announce(JSON.parse(event.data));
    follow();
  });
  source.addEventListener("forwarded", (event) => {
    const { id, forwarded } = JSON.parse(event.data);
    went(id, forwarded);
  });
  source.addEventListener("waiting", (event) => {
    const waits = $("waits");
    if (!waits) return;
    waits.hidden = event.data === "0";
    $("waits-n").textContent = Number(event.data).toLocaleString();
  });
})();
