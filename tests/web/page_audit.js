// What a page must keep to, looked up in the page itself. Contrast is WCAG 2.2's formula on the colours as drawn.
() => {
  const wrong = [];
  const visible = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".unseen, .skip");
  const name = (e) => e.getAttribute("aria-label") || [...(e.labels ?? [])].map((l) => l.innerText || l.textContent).join(" ")
    || (e.tagName === "BUTTON" ? e.textContent : "");
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea, button"))
    if (!name(e).trim()) wrong.push(`no name: ${e.outerHTML.slice(0, 120)}`);
  for (const e of document.querySelectorAll("img:not([alt])")) wrong.push(`no alt: ${e.src}`);
  for (const e of document.querySelectorAll("[aria-describedby], [aria-labelledby]"))
    for (const id of ["aria-describedby", "aria-labelledby"].flatMap((a) => (e.getAttribute(a) ?? "").match(/\S+/g) ?? []))
      if (!document.getElementById(id)) wrong.push(`points nowhere: ${id}`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) wrong.push(`twice: #${id}`);
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  if (!document.documentElement.lang || !document.querySelector("main")) wrong.push("no lang or main");
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) wrong.push(`${wide} px too wide`);
  for (const e of document.querySelectorAll("button, .button, select, input:not([type=hidden])"))
    if (visible(e) && e.getBoundingClientRect().height < 20) wrong.push(`too small to hit: ${e.outerHTML.slice(0, 80)}`);
  const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const read = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = read(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !visible(e) || e.matches("script, noscript, option, optgroup")) continue;
    const [a, b] = [light(read(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${walk.currentNode.data.trim().slice(0, 40)}`);
  }
  return wrong;
}
