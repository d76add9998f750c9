// Web chat for any site: <script src="…/widget/chat.js" data-sender="snd_…" async></script>, or beside the script the element
// <hookswitch-chat sender="snd_…">. Texts stay texts: nothing here makes markup of what people or servers say.
import css from "./chat.min.css";

const name = "hookswitch-chat";
const script = document.currentScript;
const minute = 6e4;

const h = (tag, props, ...kids) => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...kids);
  return e;
};
const button = (props, ...kids) => h("button", { type: "button", ...props }, ...kids);
const icon = (d) => {
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("viewBox", "0 0 24 24");
  path.setAttribute("d", d);
  svg.append(path);
  return svg;
};
const link = (href, text, className = "") => h("a", { href, className, target: "_blank", rel: "noopener nofollow" }, text);
// linked is a text with its addresses as links.
const linked = (text) => text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/).map((part, i) => i % 2 ? link(part, part) : part);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
// kept reads or writes what the browser keeps, where it may.
const kept = (store, ...entry) => {
  try { return entry[1] ? self[store].setItem(...entry) : self[store].getItem(...entry); } catch { /* it ends with the page */ }
};

class Chat extends HTMLElement {
  #root; #base; #place; #token; #cursor; #v; // v is what init has answered
  #panel; #launch; #badge; #status; #talk; #log; #dots; #field; #go;
  #rows = []; // what is shown, in order: {m, el}
  #outbox = [];
  #shown; #written; #stream; #idle; #telling; #posting; #shift;

  connectedCallback() {
    if (this.#root) return this.#wake();
    this.#root = this.attachShadow({ mode: "open" });
    this.#base = this.getAttribute("server") || script?.src.replace(/\/widget\/chat\.js.*/, "");
    this.#place = name + "." + this.getAttribute("sender");
    this.#token = kept("localStorage", this.#place);
    this.#start();
  }

  disconnectedCallback() { this.#stream?.abort(); }

  // --- talking to the server
  #fetch(path, options, headers) {
    return fetch(this.#base + "/api/v1/widget/" + path, { credentials: "omit", ...options, headers: { Authorization: "Bearer " + this.#token, ...headers } });
  }

  async #call(path, body, again) {
    const r = await this.#fetch(path, { method: "POST", keepalive: true, body: JSON.stringify(body) }, { "Content-Type": "application/json" });
    if (r.status === 401 && !again) { // the session is over: it is resumed
      await this.#init();
      return this.#call(path, body, true);
    }
    const out = await r.json().catch(() => 0);
    if (r.ok) return out;
    // What is lost would fail again.
    throw Object.assign(new Error(out.message || "HTTP " + r.status), { lost: r.status < 500 && r.status !== 429, wait: 1e3 * r.headers.get("Retry-After") });
  }

  async #init() {
    const v = await this.#call("init", { sender: this.getAttribute("sender"), token: this.#token });
    this.#written = v.resumed && (this.#written || v.conversationId);
    this.#token = v.token;
    this.#keep();
    return v;
  }

  // keep keeps the token, once the visitor has written. Nothing is kept before.
  #keep() { if (this.#written) kept("localStorage", this.#place, this.#token); }

  async #start() {
    for (let wait = 2e3; !this.#v; wait = Math.min(2 * wait, 5 * minute)) {
      try { this.#v = await this.#init(); } catch (e) {
        if (wait === 2e3) console.warn(name + ": " + e.message + "; is " + location.origin + " among the allowed_origins of the sender?");
        if (e.lost) return;
        await pause(Math.max(wait, e.wait || 0));
      }
    }
    this.#draw();
    this.#catchUp(this.#v);
    const wake = () => this.#wake();
    document.addEventListener("visibilitychange", wake);
    addEventListener("online", wake);
    addEventListener("storage", (e) => { // the visitor has begun in another tab
      if (e.key !== this.#place || !e.newValue || this.#written) return;
      this.#token = e.newValue;
      this.#init().then((v) => { this.#catchUp(v); wake(); }, wake);
    });
    if (kept("sessionStorage", this.#place) === "open" && innerWidth > 480) this.open(true);
    wake();
  }

  #catchUp(v) {
    this.#cursor = v.cursor;
    for (const m of v.messages) this.#show(m);
    this.#typing(v.typing);
    this.#count();
  }

  // wake keeps a stream open while somebody looks and there is something to wait for.
  #wake() {
    if (!this.isConnected || document.hidden) return this.#stream?.abort();
    if (!this.#v || !this.#shown && !this.#written) return;
    this.#count();
    if (!this.#stream || this.#stream.signal.aborted || this.#idle) this.#listen();
  }

  async #listen() {
    this.#stream?.abort();
    const stop = this.#stream = new AbortController();
    for (let wait = 0; !stop.signal.aborted; wait = Math.min(2 * wait || 1e3, 3e4)) {
      const one = new AbortController(), end = () => one.abort();
      let timer;
      const alive = () => { clearTimeout(timer); timer = setTimeout(end, 4e4); };
      stop.signal.addEventListener("abort", end);
      this.#idle = false;
      try {
        alive();
        const r = await this.#fetch("events", { cache: "no-store", signal: one.signal }, { "Last-Event-ID": this.#cursor });
        if (r.status === 401) this.#catchUp(await this.#init());
        else if (!r.ok) wait = Math.max(wait, 1e3 * r.headers.get("Retry-After"));
        else {
          this.#state("");
          wait = 0;
          const text = new TextDecoder(), reader = r.body.getReader();
          for (let rest = ""; ;) {
            const { done, value } = await reader.read();
            if (done) break;
            alive();
            const parts = (rest + text.decode(value, { stream: true })).split("\n\n");
            rest = parts.pop();
            // Too many tabs are open: this one waits until somebody looks at it again.
            if (parts.map((p) => this.#hear(p)).includes("replaced")) stop.abort();
          }
        }
      } catch { /* it is tried again */ }
      clearTimeout(timer);
      if (stop.signal.aborted) return;
      if (wait) this.#state(this.#v.texts.offline);
      this.#idle = true;
      await pause(wait + 300 + Math.random() * 700);
    }
  }

  // hear takes one server-sent event and returns its name.
  #hear(part) {
    const [id, event, data] = ["id", "event", "data"].map((field) => part.match("(?:^|\n)" + field + ": (.*)")?.[1]);
    this.#cursor = id || this.#cursor;
    if (event === "message") { this.#show(JSON.parse(data), true); this.#count(); }
    if (event === "typing") this.#typing(JSON.parse(data).typing);
    return event;
  }

  // --- what is seen
  #draw() {
    const { texts: t, title, greeting, colour, colourText, maxLength } = this.#v;
    this.style.setProperty("--own", colour);
    this.style.setProperty("--own-on", colourText);
    const sheet = new CSSStyleSheet(); // needs no leave of the site's content security policy
    sheet.replaceSync(css);
    this.#root.adoptedStyleSheets = [sheet];
    this.#badge = h("span", { className: "badge", hidden: true });
    this.#launch = button({ className: "launch", ariaExpanded: "false", onclick: () => this.#shown ? this.close() : this.open() },
      icon("M4 5.500h16v11.500h-8.500L7 20.500V17H4z"), icon("M6 9.500l6 6 6-6"), this.#badge);
    this.#log = h("div", { role: "log" });
    this.#log.setAttribute("aria-relevant", "additions"); // not the time of day that comes under each
    this.#dots = h("div", { className: "bubble dots", role: "status", hidden: true });
    this.#talk = h("div", { className: "talk", tabIndex: 0, role: "region", ariaLabel: t.conversation }, this.#log);
    this.#field = h("textarea", { rows: 1, maxLength, placeholder: t.placeholder, ariaLabel: t.placeholder, enterKeyHint: "send", oninput: () => this.#fit(),
      onkeydown: (e) => { this.#shift = e.shiftKey; if (e.key === "Enter" && !e.shiftKey && !e.isComposing) this.#submit(e); } });
    // Keyboards of phones press no Enter.
    this.#field.addEventListener("beforeinput", (e) => { if (e.inputType === "insertLineBreak" && !this.#shift) this.#submit(e); });
    this.#go = h("button", { className: "round", ariaLabel: t.send, ariaDisabled: "true" }, icon("M12 19V5M5.500 11.500L12 5l6.500 6.500"));
    this.#status = h("p", { className: "state", role: "status" });
    this.#panel = h("section", { className: "panel", role: "dialog", ariaLabel: title, tabIndex: -1, hidden: true,
      onkeydown: (e) => { if (e.key === "Escape") { e.stopPropagation(); this.close(); } } },
      h("header", {}, h("span", { className: "face", ariaHidden: "true" }, [...title][0].toUpperCase()), h("div", { className: "who" }, h("h2", {}, title), this.#status),
        button({ className: "round", ariaLabel: t.close, onclick: () => this.close() }, icon("M6 9l6 6 6-6"))),
      this.#talk, this.#dots, h("form", { onsubmit: (e) => this.#submit(e) }, this.#field, this.#go));
    this.#root.append(this.#panel, this.#launch);
    if (greeting) this.#show({ from: "agent", text: greeting });
  }

  open(quiet) {
    this.#turn(true);
    if (this.#shown && !quiet) (matchMedia("(pointer: coarse)").matches ? this.#panel : this.#field).focus();
  }

  close() {
    const inside = this.#root.activeElement;
    this.#turn(false);
    if (inside) this.#launch.focus();
  }

  #turn(shown) {
    if (!this.#panel) return;
    this.#shown = shown;
    this.#panel.hidden = !shown;
    this.#launch.ariaExpanded = "" + shown;
    kept("sessionStorage", this.#place, shown ? "open" : "closed");
    this.#down();
    this.#count();
    this.#wake();
  }

  // count shows how many answers wait to be looked at.
  #count() {
    const t = this.#v.texts, news = this.#unread();
    if (this.#shown && !document.hidden) for (const m of news) m.seen = 1;
    const n = news.filter((m) => !m.seen).length;
    this.#badge.hidden = !n;
    this.#badge.textContent = n > 9 ? "9+" : n;
    this.#launch.ariaLabel = (this.#shown ? t.close : t.open) + (n ? ", " + n + " " + t.unread : "");
    this.#tell();
  }

  #unread() { return this.#rows.map((r) => r.m).filter((m) => m.from === "agent" && m.id && !m.read); }

  // tell tells the server which answers the visitor has seen, or this browser has fetched.
  #tell() {
    if (document.hidden || this.#telling) return;
    const news = this.#unread(), seen = news.filter((m) => m.seen), status = seen[0] ? "read" : "delivered";
    const list = (seen[0] ? seen : news.filter((m) => !m.told)).slice(0, 100);
    if (!list[0]) return;
    this.#telling = true;
    this.#call("receipts", { status, ids: list.map((m) => m.id) }).then(() => 1, (e) => e.lost || pause(Math.max(5e3, e.wait || 0))).then((told) => {
      this.#telling = false;
      if (told) for (const m of list) { m.told = 1; m.read ||= status === "read"; }
      this.#tell();
    });
  }

  #state(text) { this.#status.textContent = text; }

  #typing(on) {
    const low = this.#low();
    this.#dots.hidden = !on;
    this.#dots.replaceChildren(...on ? [h("i"), h("i"), h("i"), h("span", { className: "hush" }, this.#v.texts.typing)] : []);
    if (low) this.#down();
  }

  #low() { return this.#talk.scrollHeight - this.#talk.scrollTop - this.#talk.clientHeight < 80; }
  #down() { this.#talk.scrollTop = 1e9; }

  // show adds a message, or brings up to date the one that is there.
  #show(m, fresh) {
    const have = this.#rows.find((r) => (m.id && r.m.id === m.id) || (m.clientId && r.m.clientId === m.clientId));
    if (have) {
      Object.assign(have.m, m, { failed: false });
      return this.#group();
    }
    const low = this.#low(), t = this.#v.texts, me = m.from === "visitor";
    const bubble = h("div", { className: "bubble" }, h("span", { className: "hush" }, (me ? t.you : t.they) + " "), ...linked(m.text));
    if (m.link && /^https?:/.test(m.link.url)) bubble.append(link(m.link.url, m.link.title, "file"));
    const el = h("div", { className: "row" + (me ? " me" : "") + (fresh ? " fresh" : "") }, bubble);
    if (m.choices) el.append(h("div", { className: "choices" }, ...m.choices.map((c) => button({ onclick: () => this.#say(c.title, c.id) }, c.title))));
    el.append(h("div", { className: "meta" }));
    // Ids sort by time. What is yet to be sent comes last.
    const at = m.id ? this.#rows.findIndex((r) => r.m.id > m.id || (r.m.clientId && !r.m.id)) : -1, row = { m, el };
    if (at < 0) this.#rows.push(row); else this.#rows.splice(at, 0, row);
    this.#log.insertBefore(el, this.#log.children[at < 0 ? this.#rows.length : at] || null);
    this.#written ||= me;
    this.#group();
    if (low || me) this.#down();
  }

  // group dates the messages, and shows the time under the last of several.
  #group() {
    const t = this.#v.texts, time = (m) => m.at ? new Date(m.at) : new Date(), day = (m) => time(m).toDateString();
    this.#rows.forEach(({ m, el }, i) => {
      const next = this.#rows[i + 1]?.m, before = this.#rows[i - 1]?.m, own = time(m), meta = el.lastChild, wait = m.clientId && !m.id, today = day(m) === day({});
      if (m.at && (before?.at ? day(before) !== day(m) : !today) && !el.querySelector(".day"))
        el.prepend(h("time", { className: "day", dateTime: m.at }, today ? new Intl.RelativeTimeFormat([], { numeric: "auto" }).format(0, "day")
          : own.toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" })));
      for (const [name, on] of Object.entries({ tail: !next || next.from !== m.from || time(next) - own > 5 * minute, wait, wrong: m.failed })) el.classList.toggle(name, !!on);
      const words = m.failed ? t.failed : wait ? t.sending : m.at ? own.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" }) : "";
      if (meta.dataset.words === words) return;
      meta.dataset.words = words;
      meta.replaceChildren(words, ...m.failed ? [button({ onclick: () => this.#send(m) }, t.retry)] : []);
    });
  }

  // --- writing
  #fit() {
    const { style } = this.#field;
    style.height = "auto";
    style.height = this.#field.scrollHeight + "px";
    this.#go.ariaDisabled = "" + !this.#field.value.trim();
  }

  #submit(e) {
    e.preventDefault();
    const text = this.#field.value.trim();
    if (!text) return;
    this.#field.value = "";
    this.#fit();
    this.#field.focus();
    this.#say(text);
  }

  #say(text, replyId) {
    const m = { clientId: Date.now().toString(36) + Math.random().toString(36).slice(2), from: "visitor", text, replyId };
    this.#show(m, true);
    this.#send(m);
  }

  // send sends what has been written, one after the other. The same id again is the same message, so it may be tried again.
  async #send(m) {
    m.failed = false;
    this.#group();
    this.#outbox.push(m);
    if (this.#posting) return;
    this.#posting = true;
    while ((m = this.#outbox.shift())) {
      for (let tries = 1; !m.id && !m.failed; tries++) {
        try {
          const out = await this.#call("message", { id: m.clientId, text: m.text, replyId: m.replyId, name: this.getAttribute("visitor-name") || "", pageUrl: location.origin + location.pathname });
          this.#keep();
          this.#show(out.message);
        } catch (e) {
          m.failed = e.lost || tries > 5;
          if (!m.failed) await pause(Math.max(500 * 2 ** tries, e.wait || 0));
        }
      }
      this.#state(m.failed ? this.#v.texts.failed : "");
      this.#group();
    }
    this.#posting = false;
    this.#wake();
  }
}

if (!customElements.get(name)) customElements.define(name, Chat);
if (script?.dataset.sender) {
  const add = () => {
    const e = h(name);
    for (const { name, value } of script.attributes) if (name.startsWith("data-")) e.setAttribute(name.slice(5), value);
    document.body.append(e);
  };
  if (document.body) add(); else addEventListener("DOMContentLoaded", add);
}
