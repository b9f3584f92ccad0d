// Tells which result of a search was opened, by its place in the list: the question, the language and the place,
// no cookie and no identifier. Nothing is sent for those who ask not to be followed, and pages work without it.
"use strict";

const asked = new URLSearchParams(window.location.search);
const declined = navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true;
const PAGE_SIZE = 20; // where the address names no other

const tell = (event) => {
  const link = event.target.closest("main ol a[href^='/entries/']");
  const result = link?.closest("ol > li");
  if (!result || (event.type === "auxclick" && event.button !== 1)) return;
  const before = (Number(asked.get("page") || 1) - 1) * Number(asked.get("page_size") || PAGE_SIZE);
  const place = before + [...result.parentElement.children].indexOf(result) + 1;
  navigator.sendBeacon(
    "/search/click",
    new URLSearchParams({ q: asked.get("q"), lang: document.documentElement.lang, place: String(place) }),
  );
};

if (asked.get("q")?.trim() && !declined && navigator.sendBeacon) {
  document.addEventListener("click", tell);
  document.addEventListener("auxclick", tell);
}
