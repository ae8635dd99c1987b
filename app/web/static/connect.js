// Copy what is to be pasted elsewhere, and go on when the site has connected.

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const said = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    source.select();
    try {
      await navigator.clipboard.writeText(source.value);
      said.textContent = button.dataset.said;
    } catch {
      said.textContent = button.dataset.unsaid;
    }
  });
}

const waiting = document.querySelector("[data-poll]");

async function look() {
  try {
    const answer = await fetch(waiting.dataset.poll, { headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.ok || (await answer.json()).state !== "pairing") {
      location.reload();
      return;
    }
  } catch {
    // The connector is away for a moment; ask again.
  }
  setTimeout(look, 2000);
}

if (waiting) setTimeout(look, 2000);
