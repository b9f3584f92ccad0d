// Small conveniences on pages that work without them.
"use strict";

// After a form came back with errors: say so in the title and go to the summary.
const summary = document.querySelector("[data-error-summary]");
if (summary) {
  document.title = summary.dataset.titlePrefix + document.title;
  // Each message names its field, as the form does.
  for (const link of summary.querySelectorAll("a[href^='#f-']")) {
    const field = document.getElementById(link.hash.slice(1));
    const name = field && (field.closest("fieldset")?.querySelector("legend") ?? field.labels?.[0]);
    if (name) link.prepend(`${name.firstChild.textContent.trim()}: `);
  }
  summary.focus();
}

// Menus close on Escape, on a click elsewhere and when focus leaves them.
for (const menu of document.querySelectorAll("details[data-menu]")) {
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}

// Filters start closed where the results would otherwise be far below them.
if (window.matchMedia("(width < 45em)").matches) {
  for (const part of document.querySelectorAll("details[data-close-when-narrow]")) part.open = false;
}

// A text with a longest length counts down; it is spoken only after a pause in the typing.
for (const area of document.querySelectorAll("textarea[data-count]")) {
  const shown = document.getElementById(area.dataset.count);
  const spoken = document.createElement("span");
  spoken.className = "visually-hidden";
  spoken.setAttribute("aria-live", "polite");
  shown.after(spoken);
  let pause;
  const count = (speak) => {
    const left = Number(area.dataset.limit) - area.value.length;
    const words = (left < 0 ? shown.dataset.over : shown.dataset.left).replace("{n}", String(Math.abs(left)));
    shown.textContent = words;
    shown.classList.toggle("field__count--over", left < 0);
    clearTimeout(pause);
    if (speak) pause = setTimeout(() => (spoken.textContent = words), 1200);
  };
  area.addEventListener("input", () => count(true));
  count(false);
}

// A second click within three seconds does not send a form twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 3000);
});
