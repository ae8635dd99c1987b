// Show the clear picture in place, and blur it again. Each clear look is fetched from the server, which writes it down.

for (const form of document.querySelectorAll("form[data-reveal]")) {
  const image = form.closest(".shot").querySelector("img");
  const button = form.querySelector("button");
  const blurred = { src: image.src, alt: image.alt, label: button.innerHTML };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const showing = image.src !== blurred.src;
    image.src = showing ? blurred.src : image.dataset.clear;
    image.alt = showing ? blurred.alt : blurred.alt.replace(", blurred", "");
    image.classList.toggle("blurred", showing);
    if (showing) button.innerHTML = blurred.label;
    else button.textContent = "Blur again";
  });
}
