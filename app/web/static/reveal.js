// Show the clear picture in place, and blur it again. Each clear look is fetched from the server, which writes it down.

export function picture(shot) {
  return shot?.querySelector("img[data-clear]");
}

export function reveal(image, source = image.dataset.clear) {
  image.src = source;
  image.alt = image.dataset.alt;
  image.dataset.shown = "yes";
  image.closest(".frame")?.classList.toggle("part", source !== image.dataset.clear);
}

export function hide(image) {
  if (!image.dataset.shown) return;
  image.src = image.dataset.blurred;
  image.alt = image.dataset.blurredAlt;
  delete image.dataset.shown;
  image.closest(".frame")?.classList.remove("part");
}

for (const image of document.querySelectorAll("img[data-clear]")) image.dataset.blurredAlt = image.alt;

for (const form of document.querySelectorAll("form[data-reveal]")) {
  const image = picture(form.closest(".shot"));
  const button = form.querySelector("button");
  const label = button.textContent;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (image.dataset.shown) hide(image);
    else reveal(image);
    button.textContent = label;
    button.setAttribute("aria-pressed", String(Boolean(image.dataset.shown)));
  });
}
