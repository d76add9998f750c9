// Takes what signs in out of the address, where it would stay in the history, and sends it.
"use strict";

(() => {
  const form = document.getElementById("signin");
  const hash = location.hash.slice(1);
  const given = new URLSearchParams(hash.replace(/\+/g, "%2B"));
  const show = (id) => { const e = document.getElementById(id); if (e) e.hidden = false; };
  // Another link to this very page would change what stands behind the # alone: it is opened anew.
  addEventListener("hashchange", () => {
    if (!/[#&](token|key)=/.test(location.hash)) return;
    const to = new URL(location.href);
    to.searchParams.set("visit", Date.now().toString(36));
    location.replace(to);
  });
  if (!form) return;
  if (hash) history.replaceState(null, "", location.pathname + location.search);
  let token = given.get("token") || "";
  if (given.get("key")) {
    try {
      token = JSON.parse(atob(given.get("key").replace(/-/g, "+").replace(/_/g, "/"))).oneTimeToken || "-";
    } catch {
      token = "-";
    }
  }
  if (!token) {
    show("missing");
    if (parent !== window) parent.postMessage({ type: "hookswitch.session-expired", payload: { reason: "missing_authorization" } }, "*");
    return;
  }
  show("opening");
  form.elements.token.value = token;
  form.submit();
})();
