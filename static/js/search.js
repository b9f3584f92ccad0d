// On the search page: the count of results is read out, a search near oneself, and which result was opened.
"use strict";

const asked = new URLSearchParams(window.location.search);

// What a screen reader is told of is what changes, so the count is put in its place once more, unchanged.
const counted = document.querySelector("[data-read-out]");
if (counted) setTimeout(() => counted.replaceChildren(...counted.childNodes), 400);

// --- Shorter addresses: what was not chosen is not sent ---------------------------------------

const form = document.getElementById("search-form");
form?.addEventListener("formdata", (event) => {
  const sent = event.formData;
  for (const [name, value] of [...sent]) if (!value) sent.delete(name);
  if (!sent.has("near")) sent.delete("radius_km");
  if (sent.get("sort") === "relevance") sent.delete("sort");
});

// --- Near me: the position is asked for when the button is pressed, and known to about a kilometre ------

const button = document.querySelector("[data-near-me]");
const MINE = "search-near-me"; // kept until the tab is closed, so that the page can say whose position it is
const mine = {
  get: () => {
    try {
      return sessionStorage.getItem(MINE);
    } catch {
      return null; // storage is switched off
    }
  },
  set: (value) => {
    try {
      sessionStorage.setItem(MINE, value);
    } catch {
      // as above
    }
  },
};

const searchNear = ({ coords }) => {
  const place = `${coords.latitude.toFixed(2)},${coords.longitude.toFixed(2)}`;
  mine.set(place);
  const field = document.getElementById("f-near");
  field.add(new Option(button.dataset.name, place, true, true));
  form.requestSubmit();
};

if (button && form && navigator.geolocation && window.isSecureContext) {
  const status = document.querySelector("[data-near-me-status]");
  button.hidden = false;
  button.addEventListener("click", () => {
    status.textContent = button.dataset.asking;
    navigator.geolocation.getCurrentPosition(
      searchNear,
      (error) => {
        status.textContent =
          error.code === error.PERMISSION_DENIED ? button.dataset.denied : button.dataset.failed;
      },
      { maximumAge: 600_000, timeout: 15_000 },
    );
  });
}

const tag = document.querySelector("[data-near-me-words]");
if (tag && tag.dataset.near === mine.get()) tag.querySelector("[data-words]").textContent = tag.dataset.nearMeWords;

// --- Which result was opened, by its place in the list: the question, the language and the place, no cookie and
// no identifier. Nothing is sent for those who ask not to be followed, and pages work without it. -----------

const declined = navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true;
const PAGE_SIZE = 20; // where the address names no other

const tell = (event) => {
  const link = event.target.closest("main [data-results] a[href^='/entries/']");
  const result = link?.closest("[data-results] > li");
  if (!result || (event.type === "auxclick" && event.button !== 1)) return;
  const before = (Number(asked.get("page") || 1) - 1) * Number(asked.get("page_size") || PAGE_SIZE);
  // What is similar has a list of its own, and its places go on from those before.
  const place = before + [...document.querySelectorAll("main [data-results] > li")].indexOf(result) + 1;
  navigator.sendBeacon(
    "/search/click",
    new URLSearchParams({ q: asked.get("q"), lang: document.documentElement.lang, place: String(place) }),
  );
};

if (asked.get("q")?.trim() && !declined && navigator.sendBeacon) {
  document.addEventListener("click", tell);
  document.addEventListener("auxclick", tell);
}
