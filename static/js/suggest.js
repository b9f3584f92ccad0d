// Suggestions while typing in a search field: a combobox with a list. The form works the same without them.
"use strict";

const PAUSE = 150; // milliseconds without a key before the server is asked

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
    chosen = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };

  const choose = (index) => {
    const options = [...list.children];
    chosen = options.length ? (index + options.length) % options.length : -1;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === chosen)));
    if (chosen < 0) return;
    field.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  };

  const go = (option) => {
    const address = new URL(`/entries/${encodeURIComponent(option.dataset.slug)}`, window.location.href);
    const language = new URLSearchParams(window.location.search).get("lang");
    if (language) address.searchParams.set("lang", language);
    window.location.assign(address);
  };

  const show = (items) => {
    close();
    list.replaceChildren(
      ...items.map((item, place) => {
        const option = document.createElement("li");
        option.className = "suggest__option";
        option.id = `${list.id}-${place}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.slug = item.slug;
        option.textContent = item.title;
        return option;
      }),
    );
    list.hidden = items.length === 0;
    field.setAttribute("aria-expanded", String(items.length > 0));
    spoken.textContent = items.length
      ? form.dataset.suggestCount.replace("{n}", String(items.length))
      : form.dataset.suggestNone;
  };

  const ask = async () => {
    const text = field.value.trim();
    asked?.abort();
    if (text.length < 2) {
      spoken.textContent = "";
      close();
      return;
    }
    asked = new AbortController();
    try {
      const address = `/api/v1/entries/suggest?${new URLSearchParams({ q: text, lang: document.documentElement.lang })}`;
      const answer = await fetch(address, { signal: asked.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { items } = await answer.json();
      if (document.activeElement === field) show(items);
    } catch (error) {
      if (error.name !== "AbortError") close(); // without the server there are no suggestions, and nothing else
    }
  };

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) return;
      event.preventDefault();
      const down = event.key === "ArrowDown";
      choose(chosen < 0 ? (down ? 0 : -1) : chosen + (down ? 1 : -1));
    } else if (event.key === "Enter" && chosen >= 0 && !list.hidden) {
      event.preventDefault();
      go(list.children[chosen]);
    } else if (event.key === "Tab") {
      close();
    }
  });
  field.addEventListener("blur", () => setTimeout(close, 150)); // after a click in the list
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) go(option);
  });
};

for (const form of document.querySelectorAll("form[data-suggest]")) attach(form);
