// <rowen-playground> asks every model by itself, so that each answer is there as soon as it has come. The form inside works alone, too.
const make = (tag, set, ...inner) => {
  const made = Object.assign(document.createElement(tag), set);
  made.append(...inner);
  return made;
};
const ms = (n) => n < 10 ? `${n.toFixed(1)} ms` : n < 1000 ? `${Math.round(n)} ms` : `${(n / 1000).toFixed(2)} s`;
const dollars = (cost) => cost === null || cost === undefined ? "unknown" : Number(cost) ? `$${Number(cost).toPrecision(2)}` : "$0";

customElements.define("rowen-playground", class extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.answers = this.querySelector("[data-answers]");
    this.before = this.form.elements.draft?.defaultValue.trim();
    this.form.addEventListener("submit", (event) => {
      if (event.submitter?.name === "shape" || event.submitter?.hasAttribute("formaction")) return;
      event.preventDefault();
      this.run();
    });
  }

  asked() {
    const said = this.form.elements;
    const variables = {};
    for (const each of this.form.querySelectorAll("[data-var]")) if (each.value) variables[each.dataset.var] = each.value;
    const body = {app: said.app.value, prompt: said.prompt.value, question: said.question.value.trim(), variables};
    body.earlier = JSON.parse(said.earlier.value || "[]");
    const draft = said.draft?.value.trim();
    // What the server sent is what is served, unless it says that it shows another version.
    if (draft && (draft !== this.before || this.hasAttribute("drafted"))) body.draft = draft;
    if (said.temperature.value) body.temperature = Number(said.temperature.value);
    return body;
  }

  async run() {
    const chosen = [...this.form.querySelectorAll("[name=model]:checked")].map((each) => each.value);
    const body = this.asked();
    const button = this.form.querySelector("button.main");
    button.disabled = true;
    this.answers.replaceChildren();
    await Promise.all((chosen.length ? chosen : [""]).map((model) => this.one(body, model)));
    button.disabled = false;
  }

  async one(body, model) {
    const card = make("article", {className: "sheet"}, make("h2", {textContent: model || "…"}), make("p", {className: "soft", textContent: "asked …"}));
    this.answers.append(card);
    const headers = {"content-type": "application/json", "x-csrf-token": this.form.elements.csrf.value};
    const sent = JSON.stringify({...body, models: model ? [model] : []});
    const said = await fetch("/api/playground", {method: "POST", headers, body: sent}).then((answer) => answer.json(), () => undefined);
    const found = said?.data?.[0];
    const problem = said?.error ?? (found?.code ? found : found ? undefined : {code: "gone", message: "The server cannot be reached."});
    const head = make("div", {className: "titled"}, make("h2", {textContent: found?.model ?? model}));
    if (found?.trace) head.append(make("a", {className: "small", href: `/traces/${found.trace}`, textContent: "Trace"}));
    card.replaceChildren(head);
    if (problem) card.append(make("p", {className: "notice bad"}, make("code", {textContent: problem.code}), ` ${problem.message}`));
    if (!found) return;
    const first = found.first_ms === null ? "" : `, first token ${ms(found.first_ms)}`;
    card.append(make("p", {className: "prose", dir: "auto", textContent: found.answer}),
      make("p", {className: "small soft", textContent:
        `${ms(found.took_ms)}${first} · ${dollars(found.cost)} · ${found.input_tokens} tokens in, ${found.output_tokens} out`}));
  }
});
