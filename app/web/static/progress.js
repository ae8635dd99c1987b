// Show how far long work is, in place: ask for the page again, and take over its live part.

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelector("[data-live]").replaceWith(page.querySelector("[data-live]"));
      if (!page.querySelector("script[src$='progress.js']")) return;
    }
  } catch {
    // The connector is away for a moment; ask again.
  }
  setTimeout(look, 3000);
}

setTimeout(look, 3000);
