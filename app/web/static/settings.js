// Numbers that are typed are the owner's own: the word beside them says so at once. Without scripts the server sees it.
for (const level of document.querySelectorAll(".level")) {
  const own = level.querySelector('input[value="custom"]');
  for (const number of level.querySelectorAll('input[type="number"]')) number.addEventListener("input", () => (own.checked = true));
  own.addEventListener("change", () => (level.querySelector("details").open = true));
}
