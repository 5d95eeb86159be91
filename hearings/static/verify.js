/* /verify: read a chosen or dropped file in this browser and ask for its fingerprint only. Where the browser gives no
   SHA-256 (no secure context) or scripts are off, the form uploads the file, and it is not kept. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-verify]");
  if (!form) return;
  const input = form.querySelector("input[type=file]");
  const note = form.querySelector("[data-verify-note]");
  const help = form.querySelector("[data-here]");
  const reads = Boolean(window.isSecureContext && window.crypto && window.crypto.subtle);
  if (reads) help.textContent = help.dataset.here;

  async function ask(file) {
    note.textContent = form.dataset.reading;
    try {
      const digest = await window.crypto.subtle.digest("SHA-256", await file.arrayBuffer());
      const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
      window.location.assign(`${form.getAttribute("action")}?sha256=${hex}`);
    } catch (error) {
      form.submit();
    }
  }

  form.addEventListener("submit", (event) => {
    if (!reads || !input.files.length) return;
    event.preventDefault();
    ask(input.files[0]);
  });
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    if (reads) ask(input.files[0]);
    else form.submit();
  });
})();
