// Finds out in the browser why a signature does not fit, as the package doctor of the program does: nothing that is typed here is sent anywhere. Both are held to the same vectors.
"use strict";

(() => {
  const one = (code, values) => values ? { code, with: values } : { code };
  const subtle = globalThis.crypto?.subtle;

  // Keys and digests are binary strings: one character for each byte.
  const utf8 = (s) => Array.from(new TextEncoder().encode(s), (b) => String.fromCharCode(b)).join("");
  const bytes = (binary) => Uint8Array.from(binary, (c) => c.charCodeAt(0));
  const compare = (a, b) => { const x = utf8(a), y = utf8(b); return x < y ? -1 : x > y ? 1 : 0; };
  const ED = "ed25519\0";
  const hashes = { 20: "SHA-1", 32: "SHA-256", 64: "SHA-512" }, hashNames = { 20: "sha1", 32: "sha256", 64: "sha512" };

  const imported = new Map();
  const keyFor = (key, hash) => {
    const name = hash + key;
    if (!imported.has(name)) imported.set(name, subtle.importKey("raw", bytes(key || "\0"), { name: "HMAC", hash }, false, ["sign"]));
    return imported.get(name);
  };
  const fits = async (key, text, t) => {
    const data = new TextEncoder().encode(text);
    if (key.startsWith(ED)) {
      const raw = key.slice(ED.length);
      if (t.label !== "v1a" || t.sum.length !== 64 || raw.length !== 32) return false;
      try {
        return await subtle.verify("Ed25519", await subtle.importKey("raw", bytes(raw), "Ed25519", false, ["verify"]), bytes(t.sum), data);
      } catch {
        return false; // a browser without Ed25519
      }
    }
    if (t.label === "v1a" || !hashes[t.sum.length]) return false;
    const sum = new Uint8Array(await subtle.sign("HMAC", await keyFor(key, hashes[t.sum.length]), data));
    return sum.every((b, i) => b === t.sum.charCodeAt(i));
  };

  const part = () => {
    const list = [];
    list.add = (value, ...found) => { if (!list.some((o) => o.value === value)) list.push({ value, found }); };
    return list;
  };

  const search = async (t, tokens) => {
    let left = 20000, hit = null;
    const pick = t.parts.map(() => 0);
    const attempt = async () => {
      if (--left < 0) return false;
      const [key, text] = t.join(pick.map((at, i) => t.parts[i][at].value));
      for (let i = 0; i < tokens.length; i++) {
        if (await fits(key, text, tokens[i])) {
          hit = { found: pick.flatMap((at, j) => t.parts[j][at].found), token: tokens[i], index: i };
          return true;
        }
      }
      return false;
    };
    const walk = async (from, differ) => {
      if (differ === 0) return attempt();
      for (let i = from; i <= t.parts.length - differ; i++) {
        for (let at = 1; at < t.parts[i].length; at++) {
          pick[i] = at;
          if (await walk(i + 1, differ - 1)) return true;
        }
        pick[i] = 0;
      }
      return false;
    };
    for (let level = 0; level <= t.levels && left > 0; level++) if (await walk(0, level)) return hit;
    return null;
  };
  const says = (t, token) => {
    const n = token.sum.length;
    return n !== t.right && token.label !== "v1a" ? [...token.found, one("digest-" + hashNames[n])] : token.found;
  };

  // Digests.
  const decode64 = (text) => {
    const standard = (s) => { try { return /^[A-Za-z0-9+/]*={0,2}$/.test(s) ? atob(s) : null; } catch { return null; } };
    const bare = text.replace(/=+$/, ""), padded = bare.length % 4 === 1 ? null : bare + "===".slice(0, (4 - bare.length % 4) % 4);
    if (padded === null) return null;
    if (padded === text && standard(text) !== null) return { bytes: standard(text), form: "" };
    if (standard(padded) !== null) return { bytes: standard(padded), form: "unpadded" };
    if (/^[A-Za-z0-9_-]*$/.test(bare)) return { bytes: atob(padded.replaceAll("-", "+").replaceAll("_", "/")), form: "base64url" };
    return null;
  };
  const unhex = (s) => /^([0-9a-f]{2})+$/i.test(s) ? s.match(/../g).map((h) => String.fromCharCode(parseInt(h, 16))).join("") : null;
  const decodeToken = (text, want) => {
    let label = "";
    if (want === "") {
      for (const v of ["v1,", "v1a,", "v1=", "v2=", "sha256=", "sha1="]) {
        if (text.startsWith(v)) { label = v.slice(0, -1); text = text.slice(v.length); break; }
      }
    }
    if (/^([0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})$/.test(text)) return [{ sum: unhex(text), label, found: want === "base64" ? [one("digest-hex")] : [] }];
    const d = decode64(text);
    if (!d) return [];
    return [{ sum: d.bytes, label, found: want === "hex" ? [one("digest-base64")] : want === "base64" && d.form ? [one("digest-" + d.form)] : [] }];
  };

  // Secrets.
  const keysOf = (input, decoded) => {
    const p = part();
    const add = (text, ...found) => {
      const trimmed = text.trim(), right = text === trimmed ? found : [...found, one("secret-spaces")];
      if (!trimmed) return;
      if (!decoded) {
        p.add(utf8(trimmed), ...right);
        const had = trimmed.startsWith("whsec_"), bare = had ? trimmed.slice(6) : trimmed;
        if (had) p.add(utf8(bare), ...found, one("key-without-prefix")); else p.add(utf8("whsec_" + trimmed), ...found, one("secret-prefix-lost"));
        const d = decode64(bare);
        if (d && d.bytes) p.add(d.bytes, ...found, one("key-decoded"));
        return;
      }
      let bare = trimmed;
      for (const prefix of ["whsec_", "whpk_", "whsk_"]) if (bare.startsWith(prefix)) bare = bare.slice(prefix.length);
      const d = decode64(bare);
      if (d) {
        let key = d.bytes;
        if (trimmed.startsWith("whpk_")) key = ED + key;
        else if (trimmed.startsWith("whsk_") && key.length === 64) key = ED + key.slice(32);
        if (d.form === "") p.add(key, ...right); else p.add(key, ...right, one("secret-base64url"));
      } else {
        p.add("\0not base64\0" + utf8(trimmed), ...right, one("secret-not-base64"));
      }
      p.add(utf8(trimmed), ...found, one("key-with-prefix"));
      p.add(utf8(bare), ...found, one("key-undecoded"));
      const h = unhex(bare);
      if (h) p.add(h, ...found, one("key-hex"));
    };
    add(input.secret || "");
    for (const s of input.old || []) add(s, one("secret-old"));
    (input.others || []).forEach((s, i) => add(s, one("secret-other", { number: String(i + 1) })));
    if (!p.length) p.add("");
    return p;
  };

  // Bodies.
  const escapeUnit = (text) => Array.from({ length: text.length }, (_, i) => "\\u" + text.charCodeAt(i).toString(16).padStart(4, "0")).join("");
  const escapeAll = (s) => Array.from(s, (c) => c.codePointAt(0) < 0x80 ? c : escapeUnit(c)).join("");
  const parse = (s) => {
    try { JSON.parse(s); } catch { return null; }
    let i = 0, left = 20000;
    const space = () => { while (" \t\r\n".includes(s[i]) && i < s.length) i++; };
    const text = () => { const from = i++; while (s[i] !== '"') i += s[i] === "\\" ? 2 : 1; i++; return JSON.parse(s.slice(from, i)); };
    const read = (depth) => {
      if (depth > 64 || --left < 0) throw new Error("too large");
      space();
      const c = s[i];
      if (c === '"') return { kind: '"', word: text() };
      if (c !== "{" && c !== "[") { const from = i; while (i < s.length && !",]} \t\r\n".includes(s[i])) i++; return { kind: "", word: s.slice(from, i) }; }
      const v = { kind: c, names: [], list: [] };
      i++; space();
      while (s[i] !== "}" && s[i] !== "]") {
        if (s[i] === ",") { i++; space(); }
        if (c === "{") { v.names.push(text()); space(); i++; }
        v.list.push(read(depth + 1)); space();
      }
      i++;
      return v;
    };
    try { const v = read(0); return v.list ? v : null; } catch { return null; }
  };
  const quote = (text, s) => '"' + Array.from(text, (c) => {
    const n = c.codePointAt(0), short = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f" }[c];
    if (short) return short;
    if (n < 0x20 || s.html && "<>&".includes(c) || s.ascii && n >= 0x80) return escapeUnit(c);
    return c === "/" && s.slashes ? "\\/" : c;
  }).join("") + '"';
  const write = (v, style = {}, depth = 0) => {
    const s = { colon: ":", comma: ",", ...style };
    if (v.kind === "") return v.word;
    if (v.kind === '"') return quote(v.word, s);
    const line = (n) => s.indent && v.list.length ? "\n" + s.indent.repeat(n) : "";
    const at = v.list.map((_, i) => i);
    if (s.sorted && v.kind === "{") at.sort((x, y) => compare(v.names[x], v.names[y]));
    return v.kind + at.map((i, n) => (n ? s.comma : "") + line(depth + 1) + (v.kind === "{" ? quote(v.names[i], s) + s.colon : "") + write(v.list[i], s, depth + 1)).join("") + line(depth) + (v.kind === "{" ? "}" : "]");
  };
  const permute = (list, at, f) => {
    if (at === list.length) { f(); return; }
    for (let i = at; i < list.length; i++) {
      [list[at], list[i]] = [list[i], list[at]];
      permute(list, at + 1, f);
      [list[at], list[i]] = [list[i], list[at]];
    }
  };
  const bare = (s) => s.replace(/[\r\n]+$/, ""), unix = (s) => s.replaceAll("\r\n", "\n");
  const difference = (got, sent) => {
    if (bare(got) === bare(sent)) return "body-newline-added";
    if (unix(got) === unix(sent)) return "body-crlf";
    const g = parse(got), s = parse(sent);
    if (!g || !s) return "body-changed";
    if (write(g) === write(s)) return got.includes("\\u") === sent.includes("\\u") && got.includes("\\/") === sent.includes("\\/") ? "body-spaces" : "body-unescaped";
    return write(g, { sorted: true }) === write(s, { sorted: true }) ? "body-order" : "body-changed";
  };
  const bodiesOf = (input) => {
    const b = input.body, p = part();
    p.add(b);
    if (input.sent && input.sent !== b) p.add(input.sent, one(difference(b, input.sent)));
    p.add(bare(b), one("body-newline-added"));
    p.add(bare(b) + "\n", one("body-newline-lost"));
    p.add(unix(b), one("body-crlf"));
    p.add(unix(b).replaceAll("\n", "\r\n"), one("body-lf"));
    if (b.startsWith("\ufeff")) p.add(b.slice(1), one("body-bom"));
    if (/[\x80-\xff]/.test(b) && !/[^\0-\xff]/.test(b)) {
      try { p.add(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes(b)), one("body-charset")); } catch { /* it never was UTF-8 */ }
    }
    if (/[^\0-\x7f]/.test(b)) p.add(escapeAll(b), one("body-unescaped"));
    const v = parse(b);
    if (!v) return p;
    const wide = { colon: ": ", comma: ", " };
    p.add(write(v), one("body-spaces"));
    p.add(write(v, wide), one("body-spaces"));
    p.add(write(v, { colon: ": ", indent: "  " }), one("body-spaces"));
    p.add(write(v, { colon: ": ", indent: "    " }), one("body-spaces"));
    p.add(write(v, { ascii: true }), one("body-unescaped"));
    p.add(write(v, { ascii: true, ...wide }), one("body-unescaped"));
    p.add(write(v, { slashes: true }), one("body-slashes"));
    p.add(write(v, { ascii: true, slashes: true }), one("body-slashes"));
    p.add(write(v, { html: true }), one("body-html"));
    p.add(write(v, { sorted: true }), one("body-order"));
    p.add(write(v, { sorted: true, ...wide }), one("body-order"));
    if (v.kind === "{" && v.names.length <= 5) {
      const order = v.names.map((_, i) => i);
      permute(order, 0, () => p.add(write({ kind: "{", names: order.map((i) => v.names[i]), list: order.map((i) => v.list[i]) }), one("body-order")));
    }
    return p;
  };

  // Times.
  const timeOptions = (text) => {
    const p = part();
    p.add(text);
    if (!/^[0-9]{1,18}$/.test(text)) return { p, seconds: "", found: [one("time-not-number")] };
    if (text.length === 13) { p.add(text.slice(0, 10), one("time-milliseconds")); return { p, seconds: text.slice(0, 10), found: [] }; }
    if (text.length === 10) p.add(text + "000", one("time-signed-milliseconds"));
    return { p, seconds: text, found: [] };
  };
  const nearTimes = (seconds) => {
    const p = part();
    p.push({ value: seconds, found: [] });
    for (let d = 1; d <= 900; d++) {
      for (const off of [d, -d]) p.push({ value: String(Number(seconds) + off), found: [one("time-other", { seconds: String(d), when: off > 0 ? "later" : "earlier" })] });
    }
    return p;
  };
  const clock = (seconds, now, ahead) => {
    if (!seconds) return [];
    const age = now - Number(seconds);
    return age > 300 ? [one("clock-behind", { seconds: String(age) })] : age < -ahead ? [one("clock-ahead", { seconds: String(-age) })] : [];
  };
  const elsewhen = async (t, at, seconds, tokens) => {
    if (!seconds || await search(t, tokens)) return t;
    const near = { ...t, parts: [...t.parts], levels: 1 };
    near.parts[at] = nearTimes(seconds);
    return await search(near, tokens) ? near : t;
  };
  const depth = (t, i) => { t.levels = t.parts[i].length > 40 ? 2 : 3; return t; };

  const report = async (input, scheme, t, tokens, early, late) => {
    const r = { scheme, valid: false, findings: [...early] };
    if (input.body === "" && (input.sent || scheme !== "twilio")) r.findings.push(one("body-empty"));
    if (input.body === "[object Object]") r.findings.push(one("body-object"));
    if (!input.secret && !(input.old || []).length && !(input.others || []).length) { r.findings.push(one("secret-missing")); return r; }
    const hit = await search(t, tokens);
    if (!hit) r.findings.push(one("nothing-fits"));
    else {
      r.findings.push(...hit.found, ...says(t, hit.token));
      if (late) r.findings.push(...late(hit));
    }
    r.valid = !!hit && !r.findings.some((f) => f.code !== "several" && f.code !== "v1-body");
    if (r.valid) r.findings.unshift(one("fits"));
    const computed = (input.computed || "").trim();
    if (computed) {
      const mine = await search(t, decodeToken(computed, ""));
      if (!mine) r.computed = [one("computed-unknown")];
      else {
        const found = [...mine.found, ...says(t, mine.token)];
        r.computed = found.length ? found : [one("computed-right")];
      }
    }
    return r;
  };

  const standard = async (input, h) => {
    const get = (name) => (h.find((f) => f[0] === name) || ["", ""])[1];
    const early = [];
    let prefix = "", signature = "";
    for (const p of ["svix", "webhook"]) if (!prefix && get(p + "-signature")) { prefix = p; signature = get(p + "-signature"); }
    for (const [name, value] of h) {
      const p = name.replace(/-signature$/, "");
      if (!prefix && p !== name && get(p + "-id") && get(p + "-timestamp")) { prefix = p; signature = value; }
    }
    if (!prefix) {
      const f = h.find((x) => /^v1a?,[A-Za-z0-9+/_=-]{20,}/.test(x[1]));
      if (!f) return { scheme: "", valid: false, findings: [one("header-missing", { header: "svix-signature" })] };
      const p = f[0].replace(/-signature$/, "");
      prefix = p !== f[0] && (get(p + "-id") || get(p + "-timestamp")) ? p : "svix";
      signature = f[1];
      early.push(one("wrong-header", { header: f[0] }));
    }
    const id = get(prefix + "-id") || get("svix-id") || get("webhook-id"), at = get(prefix + "-timestamp") || get("svix-timestamp") || get("webhook-timestamp");
    if (!id) early.push(one("header-missing", { header: prefix + "-id" }));
    if (!at) early.push(one("header-missing", { header: prefix + "-timestamp" }));
    if (id.includes(".")) early.push(one("id-full-stop"));
    const ids = part();
    ids.add(id);
    for (const other of [get("svix-id"), get("webhook-id"), ...(input.ids || [])]) if (other) ids.add(other, one("id-other", { id: other }));
    const times = timeOptions(at);
    if (at) early.push(...times.found);
    const tokens = [];
    for (const word of signature.split(/\s+/).filter(Boolean)) {
      let cut = word.indexOf(",");
      if (cut < 0) early.push(one("version-missing"));
      const list = decodeToken(word.slice(cut + 1), "base64");
      if (!list.length) early.push(one("digest-unreadable"));
      for (const t of list) tokens.push({ ...t, label: cut < 0 ? "v1" : word.slice(0, cut) });
    }
    const forms = part();
    forms.add("id.time.body");
    forms.add("time.body", one("text-no-id"));
    forms.add("body", one("text-body-only"));
    forms.add("idtimebody", one("text-no-dots"));
    let t = depth({ parts: [keysOf(input, true), bodiesOf(input), ids, times.p, forms], right: 32,
      join: ([key, body, id, at, form]) => [key, { "time.body": at + "." + body, body, idtimebody: id + at + body }[form] ?? id + "." + at + "." + body] }, 1);
    t = await elsewhen(t, 3, times.seconds, tokens);
    early.push(...t.parts[0][0].found.filter((f) => f.code === "secret-not-base64"));
    const public_ = t.parts[0][0].value.startsWith(ED);
    if (tokens.length && !tokens.some((x) => (x.label === "v1a") === public_)) early.push(one("version", { versions: tokens.map((x) => x.label).join(", ") }));
    return report(input, "standard", t, tokens, [...early, ...clock(times.seconds, input.now, 300)],
      (hit) => hit.index > 0 ? [one("several", { number: String(hit.index + 1), count: String(tokens.length) })] : []);
  };

  const zavu = async (input, value) => {
    const early = [], tokens = [];
    let at = "";
    for (const field of value.split(",")) {
      const [, name, text] = field.trim().match(/^([^=]*)=?(.*)$/s);
      if (name === "t") { at = text; continue; }
      const list = decodeToken(text, "hex");
      if (!list.length) early.push(one("digest-unreadable"));
      for (const t of list) tokens.push({ ...t, label: name });
    }
    tokens.sort((a, b) => compare(b.label, a.label));
    if (!at) early.push(one("time-missing"));
    const times = timeOptions(at);
    if (at) early.push(...times.found);
    const forms = part();
    forms.add("time.body");
    forms.add("body", one(tokens.length === 1 && tokens[0].label === "v1" ? "v1-body" : "text-body-only"));
    forms.add("timebody", one("text-no-dots"));
    let t = depth({ parts: [keysOf(input, false), bodiesOf(input), times.p, forms], right: 32,
      join: ([key, body, at, form]) => [key, { body, timebody: at + body }[form] ?? at + "." + body] }, 1);
    t = await elsewhen(t, 2, times.seconds, tokens);
    return report(input, "zavu", t, tokens, [...early, ...clock(times.seconds, input.now, 60)]);
  };

  const meta = async (input, get) => {
    const early = [];
    let value = get("x-hub-signature-256");
    const old = !value;
    if (old) { value = get("x-hub-signature"); early.push(one("meta-sha1")); }
    let digest = value.replace(/^sha(256|1)=/, "");
    if (digest === value) early.push(one("meta-prefix"));
    const tokens = decodeToken(digest, "hex");
    if (!tokens.length) early.push(one("digest-unreadable"));
    const bodies = bodiesOf(input);
    for (const b of bodies) b.found = b.found.map((f) => f.code === "body-unescaped" ? one("meta-unescaped") : f);
    return report(input, "meta", { parts: [keysOf(input, false), bodies], right: old && tokens.length ? tokens[0].sum.length : 32, levels: 2, join: (v) => v }, tokens, early);
  };

  const formOptions = (body) => {
    const p = part(), arrived = [], raw = [], filled = [];
    for (const pair of body.split("&")) {
      if (!pair) continue;
      const cut = pair.indexOf("="), rawPair = cut < 0 ? [pair, ""] : [pair.slice(0, cut), pair.slice(cut + 1)];
      raw.push(rawPair);
      let decoded = rawPair;
      try { decoded = rawPair.map((s) => decodeURIComponent(s.replaceAll("+", " "))); } catch { /* it is taken as it is */ }
      arrived.push(decoded);
      if (decoded[1]) filled.push(decoded);
    }
    const join = (list) => list.map((f) => f[0] + f[1]).join(""), sorted = (list) => [...list].sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]));
    p.add(join(sorted(arrived).filter((f, i, all) => !i || f[0] !== all[i - 1][0] || f[1] !== all[i - 1][1])));
    p.add(join(arrived), one("form-order"));
    p.add(join(sorted(filled)), one("form-blank"));
    p.add(join(sorted(raw)), one("form-encoded"));
    p.add("", one("form-left-out"));
    p.add(body, one("form-raw"));
    return p;
  };
  const twilio = async (input, get) => {
    const early = [], tokens = decodeToken(get("x-twilio-signature"), "base64");
    if (!tokens.length) early.push(one("digest-unreadable"));
    const u = (input.url || "").trim().match(/^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[^@/?#]*@)?(\[[^\]]*\]|[^:/?#]*)(?::([0-9]*))?([^?#]*)(\?[^#]*)?/);
    if (!u || !u[2]) return { scheme: "twilio", valid: false, findings: [...early, one("url-missing")] };
    const scheme = u[1].toLowerCase(), other = { http: "https", https: "http" }[scheme] || "", path = u[4], query = u[5] || "";
    const [schemes, hosts, ports, slashes, queries] = [part(), part(), part(), part(), part()];
    schemes.add(scheme);
    schemes.add(other, one("url-scheme", { scheme: other }));
    hosts.add(u[2]);
    for (const host of [...get("x-forwarded-host").split(","), get("host"), ...(input.hosts || [])]) {
      const name = host.trim().split(":")[0];
      if (name) hosts.add(name, one("url-host", { host: name }));
    }
    ports.add(u[3] ? ":" + u[3] : "");
    for (const p of ["", ":443", ":80"]) ports.add(p, one("url-port", { port: p ? "port " + p.slice(1) : "no port" }));
    slashes.add(path);
    const short = path.replace(/\/+$/, "");
    if (short !== path) slashes.add(short, one("url-slash", { what: "without a slash at the end" })); else slashes.add(path + "/", one("url-slash", { what: "with a slash at the end" }));
    queries.add(query);
    if (query) {
      queries.add("", one("url-query-added"));
      const fields = query.slice(1).split("&");
      queries.add("?" + [...fields].sort(compare).join("&"), one("url-query-order"));
      const order = fields.map((_, i) => i);
      if (order.length <= 5) permute(order, 0, () => queries.add("?" + order.map((i) => fields[i]).join("&"), one("url-query-order")));
      try { queries.add(decodeURIComponent(query), one("url-query-decoded")); } catch { /* it cannot be decoded */ }
    }
    let params = part();
    const told = query.match(/[?&]bodySHA256=([0-9a-f]{64})/i);
    if (told) {
      params.add("");
      const sum = Array.from(new Uint8Array(await subtle.digest("SHA-256", new TextEncoder().encode(input.body))), (b) => b.toString(16).padStart(2, "0")).join("");
      if (sum !== told[1].toLowerCase()) early.push(one("twilio-body-hash"));
    } else params = formOptions(input.body);
    return report(input, "twilio", { parts: [keysOf(input, false), schemes, hosts, ports, slashes, queries, params], right: 20, levels: 4, join: (v) => [v[0], v[1] + "://" + v.slice(2).join("")] }, tokens, early);
  };

  const examine = async (input) => {
    const h = (input.headers || []).map(([name, value]) => [name.trim().toLowerCase().replaceAll("_", "-").replace(/^http-/, ""), value.trim()]);
    const get = (name) => (h.find((f) => f[0] === name) || ["", ""])[1];
    if (get("x-zavu-signature")) return zavu(input, get("x-zavu-signature"));
    if (get("x-twilio-signature")) return twilio(input, get);
    if (get("x-hub-signature-256") || get("x-hub-signature")) return meta(input, get);
    return standard(input, h);
  };
  const say = (finding, words) => (words[finding.code] || [finding.code, ""]).map((s) => Object.entries(finding.with || {}).reduce((t, [k, v]) => t.replaceAll("{" + k + "}", v), s));
  globalThis.hookswitchDoctor = { examine, say };
  if (typeof document === "undefined") return;

  // The form of the page.
  const form = document.getElementById("doctor");
  if (!form) return;
  const out = document.getElementById("doctor-found"), field = (name) => form.elements[name].value;
  const lines = (text) => text.split("\n").filter((s) => s.trim());
  const item = (tone, [what, advice]) => {
    const li = document.createElement("li"), icon = document.querySelector("#doctor-icons ." + tone + " svg").cloneNode(true), words = document.createElement("span"), more = document.createElement("span");
    li.className = tone;
    words.textContent = what + " ";
    more.className = "muted";
    more.textContent = advice;
    words.append(more);
    li.append(icon, words);
    return li;
  };
  const heading = (text) => { const h = document.createElement("h3"); h.textContent = text; return h; };
  const list = (findings, words) => {
    const ul = document.createElement("ul");
    ul.className = "found";
    for (const f of findings) ul.append(item(["fits", "computed-right"].includes(f.code) ? "good" : ["several", "v1-body", "clock-behind"].includes(f.code) ? "warn" : "bad", say(f, words)));
    return ul;
  };
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    if (!subtle) { out.replaceChildren(item("bad", ["This browser keeps its cryptography for pages over https.", "Open the portal over https, or use the command line: hookswitch verify."])); return; }
    const headers = lines(field("headers")).map((line) => { const cut = line.indexOf(":"); return cut < 0 ? [line, ""] : [line.slice(0, cut), line.slice(cut + 1)]; });
    const words = JSON.parse(form.dataset.words), sent = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes(atob(form.dataset.sent || "")));
    const r = await examine({ headers, url: field("url"), body: unix(sent) === field("body") ? sent : field("body"), sent, secret: field("secret"), old: lines(field("old")), others: lines(field("others")), computed: field("computed"), now: Number(form.dataset.at) || Math.floor(Date.now() / 1000) });
    out.replaceChildren(heading(r.valid ? "It fits" : "What is wrong"), list(r.findings, words));
    if (r.computed) out.append(heading("What your code does"), list(r.computed, words));
    out.focus();
  });
})();
