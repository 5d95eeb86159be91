/* Comfort only: every page does its work without this file.

   data-menu            details that close on Escape and on a click elsewhere
   data-error-summary   takes the focus when the page comes back with errors
   data-guard           a form that warns before typed words are lost
   data-autosave        a form, or a part of one, that saves itself (address in the value, else the form's own)
   data-draft           a part of which that keeps what is typed, and is sent by its button
   data-weekday="id"    a date input whose weekday stands in the element with this id
   data-counter="200"   a text that says how many characters are left
   data-vague-words     JSON list of words that name no date: a sentence, never a stop
   data-list/data-item  j and k walk through the items, / goes to the search box
   data-pick            a long group of checkboxes: narrow, choose all shown, how many are chosen
   data-print           a hidden button that prints the page
   data-keep            see keep.js

   The words come from <body data-say>, so that they follow the language of the page. */
"use strict";

(() => {
  const say = JSON.parse(document.body.dataset.say || "{}");
  const language = document.documentElement.lang;
  const chinese = language.startsWith("zh");

  const words = (key, values = {}) =>
    Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, () => value), say[key] || "");
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const make = (tag, cls, text = "") => Object.assign(document.createElement(tag), { className: cls, textContent: text });
  const later = (act, wait) => {
    let timer;
    return () => { clearTimeout(timer); timer = setTimeout(act, wait); };
  };
  const describe = (field, note) => {
    const ids = (field.getAttribute("aria-describedby") || "").split(" ").filter(Boolean);
    if (!ids.includes(note.id)) field.setAttribute("aria-describedby", [...ids, note.id].join(" "));
  };

  /* Menus */

  const closeMenus = (except) => all("details[data-menu][open]").forEach((menu) => {
    if (!except || !menu.contains(except)) menu.open = false;
  });
  document.addEventListener("click", (event) => closeMenus(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest && event.target.closest("details[data-menu][open]");
    closeMenus();
    if (menu) menu.querySelector("summary").focus();
  });

  /* Errors first */

  const summary = document.querySelector("[data-error-summary]");
  if (summary) summary.focus();

  /* Warning before words are lost */

  const dirty = new Set();
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form && form.matches("[data-guard]")) dirty.add(form);
  });
  document.addEventListener("submit", (event) => dirty.delete(event.target), true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-leave]")) dirty.clear();
  });
  window.addEventListener("beforeunload", (event) => {
    if (!dirty.size) return;
    event.preventDefault();
    event.returnValue = words("unsaved");
  });

  /* Saving by itself. The server answers JSON:
       2xx      {saved_at?, fields?: {name: new value}}: the next form_id and base, and what only others changed
       409, 422 {message?, errors?: {name: [sentence, …]}}; "See both" sends the form in the plain way */

  const clock = () => new Date().toTimeString().slice(0, 5);
  const markErrors = (form, part, errors) => {
    all("[data-autosave-error]", part).forEach((mark) => mark.remove());
    Object.entries(errors || {}).forEach(([name, sentences]) => {
      const field = form.elements[name];
      const place = field && (field.length && !field.options ? field[0] : field);
      if (!place) return;
      const mark = make("p", "field-error", [].concat(sentences).join(" "));
      mark.dataset.autosaveError = "";
      place.insertAdjacentElement("beforebegin", mark);
    });
  };

  const autosave = (form) => {
    const waiting = new Set();
    let sending = null;
    let sent = 100000; // a page's own buttons have the numbers below
    let pause = 3000;
    let retry;

    const noteOf = (part) => part.querySelector("[data-autosave-note]");
    const tell = (part, text, bad = false) => {
      const note = noteOf(part);
      if (!note) return;
      note.textContent = text;
      note.classList.toggle("is-bad", bad);
    };
    const offerChoice = (part, message) => {
      tell(part, message + " ", true);
      const note = noteOf(part);
      if (!note) return;
      const button = make("button", "btn btn-outline-primary", words("both"));
      button.type = "submit";
      if (part !== form) button.formAction = part.dataset.autosave;
      note.append(button);
    };

    /* One part after the other: each answer brings the form's next id. The page itself is sent under the id it has,
       so that what it still saves meanwhile is not taken for the same form sent twice. */
    const send = async () => {
      const [part] = waiting;
      if (sending || !part) return;
      waiting.delete(part);
      clearTimeout(retry);
      tell(part, words("saving"));
      const body = new FormData(form);
      const id = body.get("form_id") || body.get("page_id");
      if (id) { sent += 1; body.set("form_id", `${id}~${sent}`); }
      sending = new AbortController();
      let failed = false;
      try {
        const answer = await fetch(part.dataset.autosave || form.action, {
          method: "POST",
          body,
          headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" },
          credentials: "same-origin",
          signal: sending.signal,
        });
        const json = (answer.headers.get("Content-Type") || "").includes("json");
        const data = json ? await answer.json() : {};
        pause = 3000;
        if (answer.status === 401 || (answer.redirected && new URL(answer.url).pathname === "/login")) {
          tell(part, words("signin"), true);
        } else if (answer.ok) {
          Object.entries(data.fields || {}).forEach(([name, value]) => {
            if (Array.isArray(value)) {
              all(`input[type="checkbox"][name="${name}"]`, form).forEach((box) => {
                box.checked = value.includes(box.value);
              });
            } else if (form.elements[name]) form.elements[name].value = value;
          });
          markErrors(form, part, {});
          tell(part, words(part.hasAttribute("data-draft") ? "kept" : "saved", { time: data.saved_at || clock() }));
          if (!waiting.size) {
            dirty.delete(form);
            form.dispatchEvent(new Event("saved"));
          }
        } else if (answer.status === 409) {
          markErrors(form, part, data.errors);
          offerChoice(part, data.message || words("refused"));
        } else if (answer.status < 500 && answer.status !== 429) {
          markErrors(form, part, data.errors);
          tell(part, data.message || words("refused"), true);
        } else {
          throw new Error(String(answer.status));
        }
      } catch (error) {
        if (error.name === "AbortError") return;
        failed = true;
        waiting.add(part);
        tell(part, words("notsaved"), true);
        retry = setTimeout(send, pause);
        pause = Math.min(pause * 2, 30000);
      } finally {
        sending = null;
        if (!failed) send();
      }
    };

    const soon = later(send, 900);
    const partOf = (event) => event.target.closest("[data-autosave]");
    const changed = new Set();
    form.addEventListener("input", (event) => {
      const part = partOf(event);
      if (!part) return;
      changed.add(part);
      waiting.add(part);
      soon();
    });
    /* Leaving a field saves at once, unless it has been sent already: the click that left it must find its button. */
    form.addEventListener("change", () => { if (waiting.size) send(); });
    form.addEventListener("submit", () => {
      waiting.clear();
      clearTimeout(retry);
      if (sending) sending.abort();
    });
    window.addEventListener("online", () => { if (dirty.has(form)) { changed.forEach((part) => waiting.add(part)); send(); } });
  };
  new Set(all("[data-autosave]").map((part) => part.closest("form"))).forEach(autosave);

  /* The weekday beside a date */

  const weekday = new Intl.DateTimeFormat(language, { weekday: "long", timeZone: "UTC" });
  all("[data-weekday]").forEach((input) => {
    const place = document.getElementById(input.dataset.weekday);
    const show = () => {
      const day = new Date(`${input.value.slice(0, 10)}T00:00:00Z`);
      place.textContent = input.value && !Number.isNaN(day.getTime()) ? weekday.format(day) : "";
    };
    input.addEventListener("input", show);
    show();
  });

  /* Characters left, and words that promise nothing */

  all("[data-counter]").forEach((field) => {
    const most = Number(field.dataset.counter);
    const note = make("p", "field-hint num");
    note.id = `${field.id}-left`;
    note.setAttribute("role", "status");
    field.insertAdjacentElement("afterend", note);
    describe(field, note);
    const show = () => {
      const left = most - Array.from(field.value).length;
      note.classList.toggle("is-over", left < 0);
      note.textContent = left < 0 ? words("over", { count: -left }) : left < most * 0.3 ? words("left", { count: left }) : "";
    };
    field.addEventListener("input", later(show, 300));
    show();
  });

  all("[data-vague-words]").forEach((field) => {
    const vague = JSON.parse(field.dataset.vagueWords);
    const note = make("p", "field-vague");
    note.id = `${field.id}-vague`;
    note.hidden = true;
    note.setAttribute("role", "status");
    field.insertAdjacentElement("afterend", note);
    describe(field, note);
    const show = () => {
      const found = vague.filter((word) => field.value.includes(word)).map((word) => `“${word}”`);
      note.hidden = !found.length;
      note.textContent = found.length ? words("vague", { words: found.join(chinese ? "" : ", ") }) : "";
    };
    field.addEventListener("input", later(show, 300));
    show();
  });

  /* Long groups of checkboxes */

  all("[data-pick]").forEach((group) => {
    const rows = all(".form-check", group);
    if (rows.length < 9) return;
    const tools = make("div", "pick-tools");
    const search = make("input", "form-control");
    search.type = "search";
    search.placeholder = words("narrow");
    search.setAttribute("aria-label", words("narrow"));
    const every = make("button", "btn btn-outline-primary", words("all"));
    const none = make("button", "btn btn-link", words("none"));
    every.type = none.type = "button";
    const count = make("span", "pick-count num");
    count.setAttribute("role", "status");
    tools.append(search, every, none, count);
    rows[0].parentNode.insertAdjacentElement("beforebegin", tools);

    const boxes = rows.map((row) => row.querySelector("input"));
    const show = () => { count.textContent = words("chosen", { count: boxes.filter((box) => box.checked).length }); };
    const tick = (value) => {
      rows.forEach((row, i) => { if (!row.hidden && !boxes[i].disabled) boxes[i].checked = value; });
      boxes[0].dispatchEvent(new Event("input", { bubbles: true }));
      boxes[0].dispatchEvent(new Event("change", { bubbles: true }));
    };
    search.addEventListener("input", (event) => {
      event.stopPropagation();
      rows.forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(search.value.trim().toLowerCase()); });
    });
    search.addEventListener("change", (event) => event.stopPropagation());
    search.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    every.addEventListener("click", () => tick(true));
    none.addEventListener("click", () => tick(false));
    group.addEventListener("change", show);
    show();
  });

  /* Keys for lists */

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches("input, select, textarea, [contenteditable]")) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search && search.offsetParent) { event.preventDefault(); search.focus(); }
      return;
    }
    if (event.key !== "j" && event.key !== "k") return;
    const items = all("[data-list] [data-item]").filter((item) => item.offsetParent && item.querySelector("a, button"));
    if (!items.length) return;
    const here = items.findIndex((item) => item.contains(document.activeElement));
    const next = event.key === "j" ? Math.min(here + 1, items.length - 1) : Math.max(here - 1, 0);
    items[next].querySelector("a, button").focus();
    items[next].scrollIntoView({ block: "nearest" });
  });

  /* Printing */

  all("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });

  /* What keep.js needs too */

  window.kit = { words, all, make, later, language, dirty, markErrors };
})();
