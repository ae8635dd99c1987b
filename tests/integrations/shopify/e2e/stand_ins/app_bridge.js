// A stand-in for https://cdn.shopify.com/shopifycloud/app-bridge.js, which cannot be reached from a test. It does what Shopify
// documents of the original that our pages rest on: it asks the admin for session tokens (here window.sessionToken, which the
// test gives), puts them on every fetch to our own origin, sends a fetch again whose refusal asks for it, and on a page whose
// address says shopify-reload goes there with a fresh token. It shows toasts as elements, for the test to read.
(() => {
  const key = document.querySelector("meta[name=shopify-api-key]").content;
  if (!/^[0-9a-f]{32}$/.test(key)) throw new Error("no API key before the script");
  const token = () => window.sessionToken();
  const plain = window.fetch.bind(window);

  window.fetch = async (to, options = {}) => {
    const headers = new Headers(options.headers);
    const ours = new URL(to, location.href).origin === location.origin;
    if (ours) headers.set("Authorization", `Bearer ${await token()}`);
    const answer = await plain(to, { ...options, headers });
    if (!ours || answer.status !== 401 || answer.headers.get("X-Shopify-Retry-Invalid-Session-Request") !== "1") return answer;
    headers.set("Authorization", `Bearer ${await token()}`);
    return plain(to, { ...options, headers });
  };

  window.shopify = {
    idToken: token,
    toast: { show: (text) => { const said = document.createElement("output"); said.textContent = text; document.body.append(said); } },
  };

  const goWith = async (path) => {
    const to = new URL(path, location.origin);
    const fresh = await token();
    if (fresh === null) return;  // the test gives none any more
    to.searchParams.set("id_token", fresh);
    location.replace(to);
  };

  const reload = new URLSearchParams(location.search).get("shopify-reload");
  if (reload) goWith(reload);

  document.addEventListener("click", (event) => {
    const link = event.target.closest("s-link[href], s-button[href]");
    if (link) goWith(link.getAttribute("href") + location.search.replace(/id_token=[^&]*/, ""));
  });
})();
