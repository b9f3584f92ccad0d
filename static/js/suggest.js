// Suggestions while typing in a search field: a combobox with a list. The form works the same without them.
"use strict";

const PAUSE = 150; // milliseconds without a key before the server is asked
const SHORTEST = 2; // letters
const MOST = 8;

const attach = (form) => {
  const field = form.querySelector("input[type=search]");
  const row = field.parentElement;
  const list = document.createElement("ul");
  list.className = "suggest__list";
  list.id = `${field.id}-suggestions`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", form.dataset.suggestLabel);
  list.hidden = true;
  const spoken = document.createElement("p");
  spoken.className = "visually-hidden";
  spoken.setAttribute("role", "status");
  row.classList.add("suggest");
  row.append(list, spoken);
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "false");

  let chosen = -1;
  let timer;
  let asked;

  const close = () => {
    list.hidden = true;
    choose(-1);
    field.setAttribute("aria-expanded", "false");
  };

  // The place in the list, or -1 for the field itself.
  const choose = (place) => {
    chosen = place;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    if (chosen < 0) {
      field.removeAttribute("aria-activedescendant");
      return;
    }
    field.setAttribute("aria-activedescendant", list.children[chosen].id);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  };

  const go = (option) => {
    const address = new URL(`/entries/${encodeURIComponent(option.dataset.slug)}`, window.location.href);
    const language = new URLSearchParams(window.location.search).get("lang");
    if (language) address.searchParams.set("lang", language);
    window.location.assign(address);
  };

  const option = (item, place) => {
    const made = document.createElement("li");
    made.className = "suggest__option";
    made.id = `${list.id}-${place}`;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", "false");
    made.dataset.slug = item.slug;
    const title = document.createElement("span");
    title.textContent = item.title;
    const kind = document.createElement("span");
    kind.className = "suggest__kind";
    kind.textContent = form.getAttribute(`data-kind-${item.kind.replaceAll("_", "-")}`) ?? "";
    made.append(title, " ", kind);
    return made;
  };

  const show = (items) => {
    close();
    list.replaceChildren(...items.slice(0, MOST).map(option));
    const count = list.children.length;
    list.hidden = count === 0;
    field.setAttribute("aria-expanded", String(count > 0));
    const words = form.dataset;
    spoken.textContent =
      count > 1 ? words.suggestCount.replace("{n}", String(count)) : count ? words.suggestOne : words.suggestNone;
  };

  const ask = async (text) => {
    asked = new AbortController();
    const { signal } = asked;
    try {
      const address = `/api/v1/entries/suggest?${new URLSearchParams({ q: text, lang: document.documentElement.lang })}`;
      const answer = await fetch(address, { signal, headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { items } = await answer.json();
      if (!signal.aborted && document.activeElement === field) show(items);
    } catch (error) {
      if (error.name !== "AbortError") close(); // without the server there are no suggestions, and nothing else
    }
  };

  field.addEventListener("input", () => {
    clearTimeout(timer);
    asked?.abort(); // an answer to what stood here before would come too late
    const text = field.value.trim();
    if (text.length < SHORTEST) {
      spoken.textContent = "";
      close();
    } else {
      timer = setTimeout(() => ask(text), PAUSE);
    }
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || list.hidden) return;
    const count = list.children.length;
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      choose(chosen + 1 < count ? chosen + 1 : -1);
    } else if (event.key === "ArrowUp") {
      event.preventDefault();
      choose(chosen < 0 ? count - 1 : chosen - 1);
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      go(list.children[chosen]);
    } else if (event.key === "Tab") {
      close();
    }
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    asked?.abort();
  });
  field.addEventListener("blur", () => setTimeout(close, 150)); // after a click in the list
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const pressed = event.target.closest("[role=option]");
    if (pressed) go(pressed);
  });
};

for (const form of document.querySelectorAll("form[data-suggest]")) attach(form);
