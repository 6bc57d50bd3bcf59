// <rowen-feedback token="…" kind="thumbs|stars|csat|nps"> asks what a user thinks of an answer and sends it to /v1/feedback of
// the Rowen that this file is from, or of url="…". Further: name, trace, question, low, high. Waits while arrow keys move on.
const range = (from, to) => Array.from({length: to - from + 1}, (_, n) => [from + n, from + n]);
const KINDS = {
  thumbs: ["Was this answer good?", [[true, "👍 Yes"], [false, "👎 No"]]],
  stars: ["How good was this answer?", range(1, 5).map(([n]) => [n, "★".repeat(n), n + " of 5"]), "poor", "excellent"],
  csat: ["How satisfied are you with this answer?", range(1, 5), "very dissatisfied", "very satisfied"],
  nps: ["How likely are you to recommend us?", range(0, 10), "not at all likely", "extremely likely"],
};
const sheet = new CSSStyleSheet();
sheet.replaceSync(`:host{display:block;color-scheme:light dark;background:Canvas;color:CanvasText;font:1em system-ui}
fieldset{border:0;margin:0;padding:0}
div{display:flex;flex-wrap:wrap;gap:.4em;align-items:center;margin:.4em 0}
div label{position:relative;padding:.4em .7em;border:1px solid;border-radius:.4em}
input{position:absolute;inset:0;opacity:0;margin:0}
label:has(:checked){box-shadow:inset 0 0 0 2px;font-weight:bold}
:focus-visible,label:has(:focus-visible){outline:3px solid Highlight}
textarea{display:block;box-sizing:border-box;width:100%;margin:.2em 0 .6em}
textarea,button{font:inherit}p{margin:.4em 0;min-height:1.4em}`);

const make = (tag, set, ...inner) => {
  const made = Object.assign(document.createElement(tag), set);
  made.append(...inner);
  return made;
};

customElements.define("rowen-feedback", class extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const said = (name, other) => this.getAttribute(name) ?? other;
    const kind = KINDS[said("kind")] ? said("kind") : "thumbs";
    const [question, options, low = "", high = ""] = KINDS[kind];
    const url = said("url", new URL("..", import.meta.url).href).replace(/\/+$/, "") + "/v1/feedback";
    const status = make("p", {role: "status"});
    const reason = make("textarea", {maxLength: 9000});
    const correction = make("textarea", {maxLength: 40000});
    let value, timer, turn;
    const send = (method, thanks) => turn = Promise.resolve(turn).then(async () => {
      status.textContent = "…";
      const detail = {name: said("name", kind), trace: said("trace"), value};
      if (reason.value.trim()) detail.reason = reason.value;
      if (correction.value.trim()) detail.correction = correction.value;
      const body = JSON.stringify({...detail, token: said("token")});
      const answer = await fetch(url, {method, body, headers: {"content-type": "application/json"}}).catch(() => ({}));
      status.textContent = answer.ok ? thanks : "That could not be sent. Please try again.";
      if (answer.ok) this.dispatchEvent(new CustomEvent("rowen-feedback", {bubbles: true, composed: true, detail: {...detail, method}}));
      return answer.ok;
    });
    const choices = options.map(([of, shown, name = ""]) => make("label", {},
      make("input", {type: "radio", name: "v", ariaLabel: name || shown, onchange: () => {
        value = of;
        more.hidden = false;
        clearTimeout(timer);
        timer = setTimeout(send, 400, "POST", "Thank you.");
      }}), shown));
    const more = make("form", {hidden: true, onsubmit: (event) => {
      event.preventDefault();
      send("POST", "Thank you, that was sent.");
    }}, make("label", {}, "Why? (optional)", reason), make("label", {}, "What should the answer have been? (optional)", correction),
      make("button", {}, "Send"), " ", make("button", {type: "button", onclick: async () => {
        if (!await send("DELETE", "Taken back.")) return;
        more.reset();
        more.hidden = true;
        for (const each of choices) each.firstChild.checked = false;
        choices[0].firstChild.focus();
      }}, "Take back"));
    const root = this.attachShadow({mode: "open"});
    root.adoptedStyleSheets = [sheet];
    root.append(make("fieldset", {}, make("legend", {}, said("question", question)),
      make("div", {}, said("low", low), ...choices, said("high", high))), more, status);
  }
});
