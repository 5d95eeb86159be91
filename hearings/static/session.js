/* The night's screen and the table of ballots; comfort only, both work without this file.

   data-clock           the speaker's clock; it runs on over page loads
   data-issue-link      j and k go to the next and previous issue
   data-key="c"         a key that goes to this field or link
   data-stay            a form whose answer replaces the columns, so that what is being typed stays
   data-narrow="sel"    a search field that hides what does not match
   data-reckon="url"    a part of a form with count and unit: the date they give, while typing
   data-ballots         a table for the numeric keys: Enter and arrows move, sums are checked */
"use strict";

(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const typing = (target) => target.matches("input, select, textarea, [contenteditable]");

  all("[data-needs-script]").forEach((part) => { part.hidden = false; });

  /* The clock */

  const clock = document.querySelector("[data-clock]");
  let toggleClock = () => {};
  if (clock) {
    const time = clock.querySelector("[data-clock-time]");
    const run = clock.querySelector("[data-clock-run]");
    const limit = clock.querySelector("[data-clock-limit]");
    const key = "speaking-clock";
    let state = { since: null, before: 0, limit: limit.value };
    try { state = { ...state, ...JSON.parse(sessionStorage.getItem(key) || "{}") }; } catch { /* a fresh clock then */ }
    limit.value = state.limit;
    const keep = () => { try { sessionStorage.setItem(key, JSON.stringify(state)); } catch { /* not kept, still running */ } };
    const seconds = () => Math.floor((state.before + (state.since ? Date.now() - state.since : 0)) / 1000);
    const two = (number) => String(number).padStart(2, "0");
    const show = () => {
      const gone = seconds();
      time.textContent = `${two(Math.floor(gone / 60))}:${two(gone % 60)}`;
      clock.classList.toggle("is-over", gone >= Number(state.limit));
      run.textContent = state.since ? run.dataset.stop : run.dataset.run;
    };
    toggleClock = () => {
      state = state.since
        ? { ...state, before: state.before + Date.now() - state.since, since: null }
        : { ...state, since: Date.now() };
      keep();
      show();
    };
    run.addEventListener("click", toggleClock);
    clock.querySelector("[data-clock-zero]").addEventListener("click", () => {
      state = { ...state, before: 0, since: state.since ? Date.now() : null };
      keep();
      show();
    });
    limit.addEventListener("change", () => { state.limit = limit.value; keep(); show(); });
    setInterval(show, 500);
    clock.hidden = false;
    show();
  }

  /* Keys */

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target)) return;
    if (event.key === "j" || event.key === "k") {
      const links = all("[data-issue-link]");
      if (!links.length) return;
      const here = links.findIndex((link) => link.hasAttribute("aria-current"));
      const next = event.key === "j" ? Math.min(here + 1, links.length - 1) : Math.max(here - 1, 0);
      if (next !== here) { event.preventDefault(); links[next].click(); }
      return;
    }
    if (event.key === "t" && clock) { event.preventDefault(); toggleClock(); return; }
    const place = event.key === "s" ? document.querySelector("[data-narrow]") : document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!place) return;
    event.preventDefault();
    if (place.matches("a")) { place.click(); return; }
    place.scrollIntoView({ block: "center" });
    place.focus();
  });

  /* Enter in a field sends the part it stands in, not the first button of the form */

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches(".night-form input")) return;
    const part = event.target.closest("[data-autosave], .night-issued");
    const button = part && part.querySelector("[data-part-send]");
    if (!button) return;
    event.preventDefault();
    button.click();
  });

  /* Narrowing the names */

  const narrow = (input) => {
    const wanted = input.value.trim().toLowerCase();
    all(input.dataset.narrow).forEach((row) => {
      row.hidden = Boolean(wanted) && !row.textContent.toLowerCase().includes(wanted);
    });
  };
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-narrow]")) narrow(event.target);
  });

  /* One tap, and the page stays */

  const words = (part) => { const input = part && part.querySelector("[data-narrow]"); return input ? input.value : ""; };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-stay]") || !event.submitter) return;
    event.preventDefault();
    const button = event.submitter;
    const body = new FormData(form);
    if (button.name) body.append(button.name, button.value);
    const again = () => { const copy = document.createElement("input"); Object.assign(copy, { type: "hidden", name: button.name, value: button.value }); form.append(copy); form.submit(); };
    try {
      const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-part=who]");
      const here = document.querySelector("[data-part=who]");
      if (!fresh || !here) { again(); return; }
      const typed = words(here);
      const top = here.scrollTop;
      const row = form.closest("[id]").id;
      here.replaceWith(fresh);
      all("[data-needs-script]", fresh).forEach((part) => { part.hidden = false; });
      const input = fresh.querySelector("[data-narrow]");
      if (input && typed) { input.value = typed; narrow(input); }
      fresh.scrollTop = top;
      const flashes = page.querySelector(".flashes");
      const old = document.querySelector(".flashes");
      if (old) old.remove();
      if (flashes) document.querySelector(".page-head").insertAdjacentElement("beforebegin", flashes);
      const next = document.getElementById(row);
      const target = next && next.querySelector("button");
      if (target) target.focus();
    } catch {
      again();
    }
  });

  /* The date that a length of time gives */

  all("[data-reckon]").forEach((part) => {
    const form = part.closest("form");
    const note = part.querySelector("[data-reckoned]");
    let timer;
    const ask = async () => {
      const count = form.elements.count.value.trim();
      const unit = form.elements.unit.value;
      if (!/^\d{1,3}$/.test(count) || !unit) { note.textContent = ""; return; }
      try {
        const answer = await fetch(`${part.dataset.reckon}?count=${count}&unit=${encodeURIComponent(unit)}`, { credentials: "same-origin" });
        const data = await answer.json();
        note.textContent = answer.ok ? `${data.basis} → ${data.words}` : data.message;
      } catch { note.textContent = ""; }
    };
    [form.elements.count, form.elements.unit].forEach((field) => field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 300);
    }));
  });

  /* The table of ballots */

  const table = document.querySelector("form[data-ballots]");
  if (table) {
    const rows = all("[data-ballot-row]", table).map((row) => all("[data-cell]", row));
    const issued = table.elements.issued;
    const check = () => rows.forEach((cells) => {
      const sum = cells.reduce((total, cell) => total + (Number(cell.value) || 0), 0);
      cells[0].closest("tr").querySelector("[data-ballot-over]").hidden = !(Number(issued.value) && sum > Number(issued.value));
    });
    table.addEventListener("input", check);
    table.addEventListener("keydown", (event) => {
      if (!event.target.matches("[data-cell]")) return;
      const y = rows.findIndex((cells) => cells.includes(event.target));
      const x = rows[y].indexOf(event.target);
      const width = rows[y].length;
      let spot = null;
      if (event.key === "ArrowDown") spot = [y + 1, x];
      if (event.key === "ArrowUp") spot = [y - 1, x];
      if (event.key === "Enter") spot = x + 1 < width ? [y, x + 1] : [y + 1, 0];
      if (!spot) return;
      const next = rows[spot[0]] && rows[spot[0]][spot[1]];
      if (!next && event.key === "Enter") return;
      event.preventDefault();
      if (next) { next.focus(); next.select(); }
    });
    check();
  }
})();
