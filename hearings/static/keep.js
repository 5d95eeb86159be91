/* What is typed stays on this device until the server has answered: a room with bad reception loses no words.

   data-keep="name"        a form whose words are kept under this name, for the person signed in and for nobody else
   data-keep-title         what it is, for the line that leads back to it
   data-send               … which is sent from the page, so that it is still there when no answer comes: it says so,
                           and sends the same once more under the same one-time id. Photos are kept as well.
   data-kept-list          where the lines that lead back to such forms are put

   Words lie in localStorage, photos in IndexedDB. They go when the server has them (it names the form it has carried
   out in the cookie "sent"), when they are discarded, on signing out, and after a week. */
"use strict";

(() => {
  const person = document.body.dataset.person;
  if (!person) return;
  const { words, all, make, later, language, dirty, markErrors } = window.kit;

  const ANYBODYS = "kept:";
  const OWN = `${ANYBODYS}${person}:`;
  const WEEK = 7 * 24 * 3600 * 1000;
  const PATIENCE = 20000;
  const GIVE_UP = 180000;
  const time = (at) => new Intl.DateTimeFormat(language, { month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false }).format(at);

  /* The shelf */

  const photos = async (mode, act) => {
    const shelf = await new Promise((ok, no) => {
      const asked = indexedDB.open("kept", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("files");
      asked.onsuccess = () => ok(asked.result);
      asked.onerror = () => no(asked.error);
    });
    try {
      return await new Promise((ok, no) => {
        const work = shelf.transaction("files", mode);
        const asked = act(work.objectStore("files"));
        work.oncomplete = () => ok(asked.result);
        work.onerror = work.onabort = () => no(work.error);
      });
    } finally {
      shelf.close();
    }
  };
  const read = (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
  const write = (key, entry) => { try { localStorage.setItem(key, JSON.stringify(entry)); return true; } catch { return false; } };
  const forget = async (key) => {
    let entry = null;
    try { entry = read(key); localStorage.removeItem(key); } catch { return; }
    if (entry && entry.files) { try { await photos("readwrite", (shelf) => shelf.delete(key)); } catch { /* a week at most */ } }
  };
  const keys = (start) => {
    try { return Object.keys(localStorage).filter((key) => key.startsWith(start)); } catch { return []; }
  };

  const carriedOut = (document.cookie.match(/(?:^|; )sent="?([^;"]+)/) || [])[1];
  keys(ANYBODYS).forEach((key) => {
    const entry = read(key);
    const done = entry && key.startsWith(OWN) && entry.sent && entry.sent.id === carriedOut;
    if (!entry || done || !(Date.now() - entry.at < WEEK)) forget(key);
  });

  /* What a form shows: the values of each name, as they came with the page or as they stand now */

  const asked = (form) => Array.from(form.elements).filter((field) => field.name
    && !["hidden", "file", "submit", "button", "search"].includes(field.type));
  const shown = (form, asItCame) => {
    const found = {};
    asked(form).forEach((field) => {
      const values = (found[field.name] = found[field.name] || []);
      if (field.type === "checkbox" || field.type === "radio") {
        if (asItCame ? field.defaultChecked : field.checked) values.push(field.value);
      } else if (field.options) {
        const chosen = Array.from(field.options).filter((option) => (asItCame ? option.defaultSelected : option.selected));
        const first = asItCame && !chosen.length && !field.multiple ? [field.options[0]] : chosen;
        first.filter(Boolean).forEach((option) => values.push(option.value));
      } else {
        values.push((asItCame ? field.defaultValue : field.value).replace(/\r\n/g, "\n"));
      }
    });
    return found;
  };
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const fill = (form, values) => asked(form).forEach((field) => {
    const wanted = values[field.name];
    if (!wanted) return;
    if (field.type === "checkbox" || field.type === "radio") field.checked = wanted.includes(field.value);
    else if (field.options) Array.from(field.options).forEach((option) => { option.selected = wanted.includes(option.value); });
    else field.value = wanted[0] || "";
  });
  const told = (form, names) => asked(form).filter((field) => names.includes(field.name)).forEach((field) => {
    const around = field.closest("details");
    if (around && field.type !== "hidden") around.open = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  /* One form */

  const keeping = (form) => {
    const key = OWN + form.dataset.keep;
    const sends = form.hasAttribute("data-send");
    const uploads = all('input[type="file"]', form);
    const ids = ["form_id", "client_id"].filter((name) => sends && form.elements[name]);
    const base = () => { try { return JSON.parse(form.elements.base.value); } catch { return {}; } };
    const fresh = Object.fromEntries(ids.map((name) => [name, form.elements[name].value]));
    let before = shown(form, true);
    let sent = null;
    let kept = true;
    let over = false; // the server has it: a store that was put off must not bring it back

    const changes = () => {
      const now = shown(form);
      return Object.fromEntries(Object.entries(now).filter(([name, values]) => !same(values, before[name])));
    };
    const count = () => uploads.reduce((sum, field) => sum + field.files.length, 0);
    const store = () => {
      if (over) return;
      const values = changes();
      if (!Object.keys(values).length && !count()) { forget(key); return; }
      const was = base();
      const entry = {
        at: Date.now(),
        path: location.pathname + (sends ? "" : location.search),
        title: form.dataset.keepTitle || document.title,
        values,
        base: Object.fromEntries(Object.keys(values).filter((name) => name in was).map((name) => [name, was[name]])),
        ids: Object.fromEntries(ids.map((name) => [name, form.elements[name].value])),
        files: count(),
        sent,
      };
      if (!write(key, entry) && kept) {
        kept = false;
        notice(form, words("keepnot"));
      }
    };
    const soon = later(store, 300);
    form.addEventListener("input", (event) => { if (event.target.type !== "search") soon(); });
    form.addEventListener("change", async (event) => {
      if (event.target.type !== "file") return;
      const chosen = Object.fromEntries(uploads.map((field) => [field.name, Array.from(field.files)]));
      store();
      try { await photos("readwrite", (shelf) => shelf.put(chosen, key)); } catch { /* said when they are missed */ }
    });
    window.addEventListener("pagehide", () => { if (dirty.has(form)) store(); });
    form.addEventListener("saved", () => { before = shown(form); forget(key); });

    /* What was kept comes back, and can be discarded */

    const restore = async (entry) => {
      const values = Object.fromEntries(Object.entries(entry.values).filter(([name, kept_]) => name in before && !same(kept_, before[name])));
      const names = Object.keys(values);
      if (!names.length && !entry.files) { forget(key); return; }
      fill(form, values);
      ids.forEach((name) => { if (entry.ids[name]) form.elements[name].value = entry.ids[name]; });
      if (form.elements.base) form.elements.base.value = JSON.stringify({ ...base(), ...entry.base });
      sent = entry.sent;
      dirty.add(form);
      let lost = false;
      if (entry.files) {
        try {
          const there = await photos("readonly", (shelf) => shelf.get(key));
          uploads.forEach((field) => {
            const parcel = new DataTransfer();
            there[field.name].forEach((file) => parcel.items.add(file));
            field.files = parcel.files;
          });
        } catch { lost = true; }
      }
      const text = [words(sent && !sends ? "restoredsent" : "restored", { time: time(sent && !sends ? sent.at : entry.at) })];
      if (lost) text.push(words("photosagain"));
      const panel = notice(form, text.join(" "));
      const discard = make("button", "btn btn-outline-primary", words("discard"));
      discard.type = "button";
      panel.append(discard);
      told(form, names);
      const aside = Object.fromEntries(uploads.map((field) => [field.name, field.files]));
      discard.addEventListener("click", () => {
        const back = { values: shown(form), sent };
        fill(form, Object.fromEntries(names.map((name) => [name, before[name]])));
        ids.forEach((name) => { form.elements[name].value = fresh[name]; });
        uploads.forEach((field) => { field.value = ""; });
        sent = null;
        told(form, names);
        forget(key);
        panel.firstChild.textContent = words("discarded");
        const undo = make("button", "btn btn-outline-primary", words("undo"));
        undo.type = "button";
        discard.replaceWith(undo);
        undo.focus();
        undo.addEventListener("click", async () => {
          fill(form, back.values);
          ids.forEach((name) => { if (entry.ids[name]) form.elements[name].value = entry.ids[name]; });
          uploads.forEach((field) => { field.files = aside[field.name]; });
          ({ sent } = back);
          told(form, names);
          store();
          panel.remove();
          const chosen = Object.fromEntries(uploads.map((field) => [field.name, Array.from(field.files)]));
          if (count()) { try { await photos("readwrite", (shelf) => shelf.put(chosen, key)); } catch { /* as above */ } }
        });
      });
    };
    const entry = read(key);
    if (entry && !document.querySelector("[data-error-summary]")) restore(entry);

    if (sends) sending(form, { key, store, ids, mark: (value) => { sent = value; }, last: () => sent, end: () => { over = true; } });
    else {
      form.addEventListener("submit", (event) => {
        const button = event.submitter;
        if (!navigator.onLine) {
          event.preventDefault();
          dirty.add(form);
          const part = button && button.closest("[data-autosave], .panel");
          const note = part && part.querySelector("[data-autosave-note]");
          if (note) { note.textContent = words("offline"); note.classList.add("is-bad"); } else notice(form, words("offline"));
          return;
        }
        const id = button && button.name === "form_id" ? button.value : form.elements.form_id && form.elements.form_id.value;
        sent = { id, at: Date.now() };
        store();
      });
    }
  };

  const notice = (form, text) => {
    all("[data-kept-notice]", form.parentNode).forEach((old) => old.remove());
    const panel = make("div", "panel panel-now kept-notice screen-only");
    panel.dataset.keptNotice = "";
    panel.setAttribute("role", "status");
    panel.append(make("p", "", text));
    form.insertAdjacentElement("beforebegin", panel);
    return panel;
  };

  /* Sending from the page. The same words go under the same id; words changed since go under the next one, and the
     server tells by the device's own id that both are one entry. */

  const sending = (form, { key, store, ids, mark, last, end }) => {
    const button = form.querySelector('.form-buttons [type="submit"]');
    const note = make("p", "autosave-note send-note");
    note.setAttribute("role", "status");
    button.parentNode.append(note);
    const tell = (text, bad = false) => { note.textContent = text; note.classList.toggle("is-bad", bad); };
    const parcel = () => JSON.stringify([shown(form), all('input[type="file"]', form).map((field) => Array.from(field.files, (file) => [file.name, file.size]))]);
    let busy = false;
    let pause = 5000;
    let retry;

    const send = async () => {
      if (busy) return;
      busy = true;
      clearTimeout(retry);
      const own = form.elements.form_id.value;
      const before = last();
      const content = parcel();
      const nth = !before ? 1 : before.content === content ? before.nth : before.nth + 1;
      const id = `${own}~${nth}`;
      mark({ id, nth, content, at: Date.now() });
      store();
      const body = new FormData(form);
      body.set("form_id", id);
      tell(words("sending"));
      button.setAttribute("aria-disabled", "true");
      const stop = new AbortController();
      const slow = setTimeout(() => tell(words("slow")), PATIENCE);
      const late = setTimeout(() => stop.abort(), GIVE_UP);
      try {
        const answer = await fetch(form.action, {
          method: "POST",
          body,
          headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" },
          credentials: "same-origin",
          signal: stop.signal,
        });
        const json = (answer.headers.get("Content-Type") || "").includes("json");
        const data = json ? await answer.json() : {};
        if (answer.redirected && new URL(answer.url).pathname === "/login") {
          form.elements.form_id.value = id; // in the plain way: it is parked, and goes on after signing in
          dirty.delete(form);
          form.submit();
          return;
        }
        if (answer.ok && (data.location || answer.redirected)) {
          dirty.delete(form);
          end();
          await forget(key);
          const to = new URL(data.location || answer.url, location.href);
          location.assign(to);
          return;
        }
        if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
        markErrors(form, form, data.errors);
        const known = Boolean(data.errors || data.message);
        tell(data.message || (known ? words("refused") : answer.status === 413 ? words("toolarge") : words("nottaken", { status: answer.status })), true);
        const first = form.querySelector("[data-autosave-error]");
        if (first) first.scrollIntoView({ block: "center" });
      } catch {
        dirty.add(form);
        tell(words("notsent"), true);
        retry = setTimeout(send, pause);
        pause = Math.min(pause * 2, 60000);
      } finally {
        clearTimeout(slow);
        clearTimeout(late);
        button.removeAttribute("aria-disabled");
        busy = false;
      }
    };

    form.addEventListener("submit", (event) => { event.preventDefault(); dirty.add(form); send(); });
    /* What is changed is not sent before somebody says so. */
    form.addEventListener("input", () => { if (retry && !busy) { clearTimeout(retry); retry = null; tell(words("keptonly"), true); } });
    window.addEventListener("online", () => { if (retry) { pause = 5000; send(); } });
  };

  all("form[data-keep]").forEach(keeping);

  /* Elsewhere: what is still here and has not been sent */

  all("[data-kept-list]").forEach((place) => keys(OWN).forEach((key) => {
    const entry = read(key);
    if (!entry || !entry.path || !entry.path.startsWith("/") || entry.path.startsWith("//")) return;
    const panel = make("div", "panel panel-now kept-notice screen-only");
    const link = make("a", "", entry.title);
    link.href = entry.path;
    const line = make("p", "", `${words("here", { time: time(entry.at) })} `);
    line.append(link);
    panel.append(line);
    place.append(panel);
    place.hidden = false;
  }));

  /* Who signs out leaves nothing behind */

  all('form[action="/logout"]').forEach((form) => form.addEventListener("submit", async (event) => {
    const mine = keys(OWN);
    if (!mine.length) return;
    event.preventDefault();
    if (!window.confirm(words("leavekept"))) return;
    dirty.clear();
    await Promise.all(mine.map(forget));
    form.submit();
  }));
})();
