// App Bridge adds the session token to every fetch to our own origin, and sends a refused one again with a fresh token.
const send = (to, body = {}) => fetch(to, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const say = (text, isError = false) => window.shopify?.toast?.show(text, { isError });

async function ask(to, body) {
  try {
    const answer = await send(to, body);
    const said = await answer.json();
    return answer.ok ? said : { problem: said.detail || said.title, fields: said.fields || {} };
  } catch {
    return { problem: document.body.dataset.unsent, fields: {} };
  }
}

async function show(picture, clear = false) {
  const answer = await send(picture.dataset.picture, { clear });
  if (!answer.ok) { picture.hidden = true; return; }
  if (picture.src) URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(await answer.blob());
}

document.querySelectorAll("[data-picture]").forEach((picture) => show(picture));

document.addEventListener("click", async ({ target }) => {
  const reveal = target.closest("[data-reveal]");
  if (reveal) {
    await show(reveal.closest("[data-item]").querySelector("[data-picture]"), true);
    reveal.hidden = true;
  }
  const choice = target.closest("[data-verdict], [data-undo]");
  if (choice) await decide(choice);
  const retry = target.closest("[data-retry]");
  if (retry) await tryAgain(retry);
  const all = target.closest("[data-all]");
  if (all) await decideAll(all);
});

// A verdict switches the verdicts off and offers its undo; an undo does the reverse, about the decision that it made.
async function decide(choice) {
  const { to, decision, verdict, said } = choice.dataset;
  const item = choice.closest("[data-item]");
  const verdicts = item.querySelectorAll("[data-verdict]");
  const undo = item.querySelector("[data-undo]");
  const decided = Boolean(verdict);
  choice.disabled = true;
  const answer = await ask(to, decided ? { decision_id: Number(decision), verdict } : { decision_id: Number(decision) });
  choice.disabled = false;
  if (answer.problem) { say(answer.problem, true); return; }
  say(said);
  verdicts.forEach((button) => { button.disabled = decided; button.dataset.decision = answer.decision_id; });
  if (undo) { undo.hidden = !decided; undo.dataset.decision = answer.decision_id; }
  item.querySelector("[role=status]").textContent = said;
}

async function tryAgain(button) {
  const { retry, to, said } = button.dataset;
  button.disabled = true;
  const answer = await ask(to, { decision_id: Number(retry) });
  if (answer.problem) { button.disabled = false; say(answer.problem, true); return; }
  button.closest("[data-item]").querySelector("[role=status]").textContent = said;
  say(said);
}

// One after another, so that each shows its own undo; what was decided about already stays as it is.
async function decideAll(all) {
  all.disabled = true;
  for (const choice of document.querySelectorAll(`[data-verdict="${all.dataset.all}"]`)) {
    if (!choice.disabled) await decide(choice);
  }
  all.disabled = false;
}

// Times as they are where the merchant is; the page was written without knowing where that is.
document.querySelectorAll("time").forEach((time) => {
  const format = { dateStyle: "medium", timeStyle: "short" };
  time.textContent = new Intl.DateTimeFormat(navigator.language, format).format(new Date(time.dateTime));
});

const form = document.getElementById("settings");

const READ = {
  switch: (field) => field.checked,
  number: (field) => Number(field.value),
  words: (field) => field.value.split(/[\n,]/).map((word) => word.trim()).filter(Boolean),
};

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const saving = save();
  event.waitUntil?.(saving);
});

async function save() {
  const fields = [...form.querySelectorAll("[data-kind]")];
  const values = Object.fromEntries(fields.map((field) => [field.getAttribute("name"), (READ[field.dataset.kind] || ((it) => it.value))(field)]));
  const answer = await ask(form.dataset.to, { values });
  const said = document.getElementById("settings-said");
  fields.forEach((field) => { field.error = answer.fields?.[field.getAttribute("name")] || ""; });
  said.textContent = answer.problem || answer.warning || "";
  said.hidden = !said.textContent;
  if (!answer.problem) say(form.dataset.said);
}

const policy = document.getElementById("policy");

const chosen = () => ({
  preset: policy.querySelector("[name=preset]").value,
  upon: Number(policy.dataset.upon),
});

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

policy?.addEventListener("change", () => { document.getElementById("policy-effect").hidden = true; });

document.getElementById("policy-try")?.addEventListener("click", async () => {
  const answer = await ask(policy.dataset.effect, chosen());
  if (answer.problem) { say(answer.problem, true); return; }
  const effect = document.getElementById("policy-effect");
  const summary = effect.querySelector("s-paragraph");
  summary.textContent = filled(summary.dataset.says, answer);
  effect.querySelectorAll("[data-change]").forEach((item) => {
    const count = answer.changes[item.dataset.change];
    item.hidden = !count;
    item.textContent = filled(item.dataset.says, { count });
  });
  effect.hidden = false;
});

document.getElementById("policy-save")?.addEventListener("click", async () => {
  const answer = await ask(policy.dataset.save, chosen());
  if (answer.problem) { say(answer.problem, true); return; }
  policy.dataset.upon = answer.version;
  document.getElementById("policy-effect").hidden = true;
  say(policy.dataset.said);
});

const line = document.getElementById("progress");

async function follow() {
  const progress = await ask(line.dataset.from);
  if (progress.problem) { say(progress.problem, true); return; }
  if (progress.begun) {
    const { done, said, stopped } = line.dataset;
    const text = progress.done ? done : progress.running ? said : stopped;
    line.textContent = text.replace("{seen}", progress.seen).replace("{queued}", progress.queued).replace("{problem}", progress.stopped);
  }
  if (progress.begun && progress.running) setTimeout(follow, 2000);
}

if (line) follow();

document.getElementById("scan")?.addEventListener("click", async (event) => {
  const answer = await ask(event.currentTarget.dataset.to);
  if (answer.problem) say(answer.problem, true);
  else follow();
});

document.getElementById("grant")?.addEventListener("click", async (event) => {
  const { scopes, to } = event.currentTarget.dataset;
  const { result } = await window.shopify.scopes.request(scopes.split(" "));
  if (result !== "granted-all") return;
  // A permission comes with a new token, which saving asks for.
  const answer = await ask(to, { values: {} });
  if (answer.problem || answer.warning) say(answer.problem || answer.warning, true);
  else location.reload();
});
