// Keys of the review queue: j k move, a approve, r reject, v view or blur, u undo. Ignored while typing and with modifiers.

const items = [...document.querySelectorAll("[data-item]")];
const hints = document.querySelector("[data-keys]");
if (hints) hints.hidden = false;

const here = () => items.findIndex((item) => item.contains(document.activeElement));

function move(step) {
  const at = here();
  const item = items[at < 0 ? (step > 0 ? 0 : items.length - 1) : Math.min(Math.max(at + step, 0), items.length - 1)];
  item?.focus();
}

function press(key, within) {
  within?.querySelector(`button[data-key="${key}"]`)?.click();
}

const typing = (target) => target.closest?.("input:not([type=hidden]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !"jk".includes(event.key) || typing(event.target)) return;
  const current = items[here()];
  switch (event.key) {
    case "j": move(1); break;
    case "k": move(-1); break;
    case "a": case "r": case "v":
      // A verdict goes to the picture in focus, never to one that nobody looked at.
      if (current) press(event.key, current); else move(1);
      break;
    case "u": press("u", document.querySelector(".flash")); break;
    default: return;
  }
  event.preventDefault();
});

// A second press must not judge the next picture before it is seen.
for (const form of document.querySelectorAll("form:not([data-reveal])")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (document.body.dataset.sent) event.preventDefault();
    document.body.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => { delete document.body.dataset.sent; });
