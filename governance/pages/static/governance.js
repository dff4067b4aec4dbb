// What pages do beyond links and forms. All of them work without it.
(() => {
  const search = document.querySelector("[data-search]");
  const lost = document.getElementById("lost");
  const pages = { o: "overview", e: "edge", d: "decisions", p: "profiles", r: "rules", l: "limits", m: "models", h: "history", t: "tasks", k: "keys", w: "switches", s: "simulate" };
  let going = 0;

  const typing = (target) => target instanceof Element && target.closest("input, textarea, select, [contenteditable]");

  function help() {
    let dialog = document.getElementById("keys");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.id = "keys";
      dialog.className = "keys";
      dialog.setAttribute("aria-label", "Keys");
      const head = document.createElement("h2");
      head.textContent = "Keys";
      const list = document.createElement("dl");
      for (const [key, does] of [["/", "search: why?"], ["?", "these keys"], ...Object.entries(pages).map(([k, p]) => [`g ${k}`, p])]) {
        const dt = document.createElement("dt"), dd = document.createElement("dd"), kbd = document.createElement("kbd");
        kbd.textContent = key;
        dt.append(kbd);
        dd.textContent = does;
        list.append(dt, dd);
      }
      const close = document.createElement("button");
      close.className = "btn";
      close.textContent = "Close";
      close.addEventListener("click", () => dialog.close());
      dialog.append(head, list, close);
      document.body.append(dialog);
    }
    dialog.showModal();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "?" && search) {
      help();
    } else if (event.key === "g" && search) {
      going = Date.now();
    } else if (Date.now() - going < 1500 && pages[event.key]) {
      location.assign(`/governance/ui/${pages[event.key]}`);
    }
  });

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    });
  }

  // What is written and not sent is not lost by a click.
  for (const form of document.querySelectorAll("form[data-edited]")) {
    let edited = form.dataset.edited === "already", sent = false;
    form.addEventListener("input", () => { edited = true; });
    form.addEventListener("submit", () => { sent = true; });
    addEventListener("beforeunload", (event) => { if (edited && !sent) event.preventDefault(); });
  }

  // Rows are dragged by their grip; what is sent is what the buttons send, so that the proxy moves them.
  for (const list of document.querySelectorAll("[data-rows]")) {
    let from = null;
    for (const row of list.querySelectorAll("[data-row]")) {
      const grip = row.querySelector(".grip");
      grip.hidden = false;
      grip.addEventListener("pointerdown", () => { row.draggable = true; });
      row.addEventListener("dragstart", () => { from = row; row.classList.add("dragged"); });
      row.addEventListener("dragend", () => { row.draggable = false; row.classList.remove("dragged"); });
      row.addEventListener("dragover", (event) => { if (from) event.preventDefault(); });
      row.addEventListener("drop", (event) => {
        event.preventDefault();
        if (!from || from === row) return;
        const by = list.querySelector("button[name=do]").cloneNode();
        by.hidden = true;
        by.disabled = false;
        by.value = `move ${list.dataset.rows} ${from.dataset.row} ${row.dataset.row}`;
        list.append(by);
        by.click();
      });
    }
  }

  // A link to a part that is folded away opens it.
  function unfold() {
    const at = location.hash && document.getElementById(location.hash.slice(1));
    if (at && at.tagName === "DETAILS") at.open = true;
  }
  addEventListener("hashchange", unfold);
  unfold();

  function there(yes) { if (lost) lost.hidden = yes; }
  document.addEventListener("htmx:error", () => there(false));
  document.addEventListener("htmx:response:error", () => there(false));
  document.addEventListener("htmx:after:swap", () => there(true));
})();
