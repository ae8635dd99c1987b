// The review queue by keys. They are ignored while typing and with modifiers; each person may choose others.

import { hide, picture, reveal } from "./reveal.js";

const items = [...document.querySelectorAll("[data-item]")];
const main = document.querySelector("[data-main]");
const hints = document.querySelector("[data-keys]");
const keys = Object.entries(JSON.parse(hints?.dataset.keys ?? "{}"));
const does = new Map(keys.map(([name, key]) => [key, name]));

const here = () => items.findIndex((item) => item.contains(document.activeElement));
const current = () => items[here()] ?? main;
const typing = (target) => target.closest?.("input:not([type=hidden], [type=checkbox], [type=radio]), textarea, select, [contenteditable]");

function move(step) {
  const at = here();
  const item = items[at < 0 ? (step > 0 ? 0 : items.length - 1) : Math.min(Math.max(at + step, 0), items.length - 1)];
  item?.focus();
}

function press(name, within = document) {
  within?.querySelector(`button[data-do="${name}"]`)?.click();
}

const acts = {
  next: () => move(1),
  previous: () => move(-1),
  // A verdict goes to the picture that is looked at, never to one in a list that nobody chose.
  approve: () => (current() ? press("approve", current()) : move(1)),
  reject: () => (current() ? press("reject", current()) : move(1)),
  hide: () => press("hide", main),
  skip: () => press("skip", main),
  undo: () => press("undo"),
  escalate() {
    const details = document.querySelector("details[data-do=escalate]");
    if (!details) return;
    details.open = true;
    details.querySelector("textarea").focus();
  },
  help() {
    hints.hidden = !hints.hidden;
    if (!hints.hidden) hints.scrollIntoView({ block: "nearest" });
  },
};

const held = new Set();

function hold(key, show) {
  if (held.has(key)) return;
  held.add(key);
  show();
}

function release() {
  held.clear();
  for (const item of items) {
    const image = picture(item);
    if (image && !item.querySelector("[data-reveal] [aria-pressed=true]")) hide(image);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const key = event.key.toLowerCase();
  const digit = document.querySelector(`input[data-digit="${key}"]`);
  const name = does.get(key);
  const image = picture(current());
  if (name === "reveal" || name === "part") {
    // The space bar presses the button that has the focus; there it is left alone.
    if (key === " " && event.target.closest("button, a, summary, input")) return;
    event.preventDefault();
    const part = document.querySelector("[data-part]")?.dataset.part;
    if (image && !event.repeat && (name === "reveal" || part)) hold(key, () => reveal(image, name === "part" ? part : undefined));
    return;
  }
  if (event.repeat && name !== "next" && name !== "previous") return;
  if (digit) {
    digit.closest("details")?.setAttribute("open", "");
    digit.checked = true;
  } else if (name && acts[name]) {
    acts[name]();
  } else {
    return;
  }
  event.preventDefault();
});
document.addEventListener("keyup", (event) => { if (held.has(event.key.toLowerCase())) release(); });
window.addEventListener("blur", release);

for (const link of document.querySelectorAll("[data-part]")) {
  const image = picture(link.closest(".shot"));
  link.setAttribute("role", "button");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    if (image.dataset.shown) hide(image);
    else reveal(image, link.dataset.part);
  });
}

// A second press must not decide the next picture before it is seen.
for (const form of document.querySelectorAll("form[method=post]:not([data-reveal])")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (document.body.dataset.sent) event.preventDefault();
    document.body.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => { delete document.body.dataset.sent; });

// The picture stays with its reviewer while they are at work on it.
const KEEP_EVERY = 60_000;
let active = false;
for (const name of ["keydown", "pointermove", "scroll"]) document.addEventListener(name, () => { active = true; }, { passive: true });
if (main) {
  setInterval(async () => {
    if (!active || document.hidden) return;
    active = false;
    const body = new URLSearchParams({ form_token: main.dataset.token });
    const answer = await fetch(main.dataset.keep, { method: "POST", body, redirect: "manual" }).catch(() => null);
    if (answer?.status === 409) document.querySelector("[data-lost]").hidden = false;
  }, KEEP_EVERY);
}

// The bar that takes the last verdict back goes after a while; the key and the history still do it.
const flash = document.querySelector("[data-flash]");
if (flash) setTimeout(() => flash.classList.add("over"), Number(flash.dataset.flash) * 1000);

const all = document.querySelector("[data-all]");
const count = document.querySelector("[data-count]");
const boxes = [...document.querySelectorAll("input[name=also]")];
if (all && count) {
  const every = all.querySelector("input");
  const counted = () => {
    const marked = boxes.filter((box) => box.checked).length;
    count.textContent = marked ? `${count.dataset.some} ${marked}` : count.dataset.none;
    every.checked = marked === boxes.length;
  };
  const follow = () => {
    for (const box of boxes) box.checked = every.checked;
    counted();
  };
  every.addEventListener("change", follow);
  for (const box of boxes) box.addEventListener("change", counted);
  // It may have been ticked, or kept by the browser, before this script ran.
  if (every.checked) follow();
  else counted();
  all.hidden = false;
}

if (hints) {
  hints.hidden = false;
  document.documentElement.dataset.ready = "yes";
}
main?.focus({ preventScroll: true });
