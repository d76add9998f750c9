// <hookswitch-portal url="…">: the portal in a page of yours. The address is the link that your server asked for. See docs/embedding.md.
const themes = ["light", "dark", "auto"];

class HookswitchPortal extends HTMLElement {
  static observedAttributes = ["url", "path", "theme"];

  #frame;
  #origin = "";
  #ready = false;
  #hears = (event) => {
    if (event.source !== this.#frame?.contentWindow || event.origin !== this.#origin || !event.data || typeof event.data.type !== "string") return;
    const { type, payload = {} } = event.data;
    switch (type) {
      case "svix.iframe-resizer-height":
        if (Number.isFinite(payload.height)) this.#frame.style.height = Math.min(Math.max(payload.height, 120), 100000) + "px";
        break;
      case "hookswitch.navigate":
        this.#tellTheme();
        this.#say("navigate", { path: String(payload.path || "").replace(/^\/portal(?=\/|$)/, "") || "/" });
        break;
      case "hookswitch.ready":
        if (!this.#ready) {
          this.#ready = true;
          this.#say("ready", {});
        }
        break;
      case "hookswitch.endpoint-created":
        this.#say("endpoint-created", { endpoint: payload.endpoint });
        break;
      case "hookswitch.session-expired":
        this.#ready = false;
        this.#say("session-expired", { reason: payload.reason, renew: (url) => { this.url = url; } });
        break;
    }
  };

  connectedCallback() {
    if (!this.#frame) {
      const root = this.attachShadow({ mode: "open" });
      const style = new CSSStyleSheet();
      style.replaceSync(":host{display:block}iframe{display:block;width:100%;min-height:20rem;border:0;color-scheme:auto}");
      root.adoptedStyleSheets = [style];
      this.#frame = document.createElement("iframe");
      this.#frame.title = this.getAttribute("label") || "Webhooks";
      this.#frame.allow = "clipboard-write";
      this.#frame.referrerPolicy = "no-referrer";
      root.append(this.#frame);
    }
    addEventListener("message", this.#hears);
    this.#open();
  }

  disconnectedCallback() { removeEventListener("message", this.#hears); }

  attributeChangedCallback(name, before, now) {
    if (!this.#frame || before === now) return;
    if (name === "url") this.#open();
    else if (name === "theme") this.#tellTheme();
    else if (this.#ready) this.#frame.src = this.#origin + this.#portalPath();
  }

  get url() { return this.getAttribute("url"); }
  set url(value) { value ? this.setAttribute("url", value) : this.removeAttribute("url"); }
  get path() { return this.getAttribute("path"); }
  set path(value) { this.setAttribute("path", value); }
  get theme() { return this.getAttribute("theme"); }
  set theme(value) { this.setAttribute("theme", value); }

  #portalPath() {
    const path = this.getAttribute("path") || "/";
    return "/portal" + (path === "/" ? "" : "/" + path.replace(/^\/+/, ""));
  }

  #open() {
    if (!this.isConnected || !this.url) return;
    let link;
    try {
      link = new URL(this.url);
    } catch {
      this.#say("session-expired", { reason: "missing_authorization", renew: (url) => { this.url = url; } });
      return;
    }
    if (link.protocol !== "https:" && link.protocol !== "http:") return;
    this.#origin = link.origin;
    this.#ready = false;
    const set = (name, value) => { if (value) link.searchParams.set(name, value); };
    if (themes.includes(this.theme) && this.theme !== "auto") set("theme", this.theme);
    set("primaryColor", this.getAttribute("primary-color"));
    set("fontFamily", this.getAttribute("font-family"));
    set("icon", this.getAttribute("logo"));
    set("density", this.getAttribute("density"));
    set("direction", this.getAttribute("dir"));
    set("refused", this.getAttribute("refused"));
    set("radius", this.getAttribute("radius"));
    if (this.getAttribute("path")) set("next", this.#portalPath());
    set("visit", Date.now().toString(36)); // a link that differs behind the # alone would not be loaded anew
    this.#frame.src = link.href;
  }

  #tellTheme() {
    if (this.#origin && themes.includes(this.theme)) this.#frame.contentWindow?.postMessage({ type: "hookswitch.theme", payload: { theme: this.theme } }, this.#origin);
  }

  #say(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true })); }
}

if (!customElements.get("hookswitch-portal")) customElements.define("hookswitch-portal", HookswitchPortal);
export { HookswitchPortal };
