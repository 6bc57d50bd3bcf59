// What is wrong with how pages look, by axe, in the window as it is. The pages were seen elsewhere and are shown here one
// after the other, in one document: axe is slow in each document that it is new to.

const MINE = "link[rel=stylesheet], script", ASKED = "data-asked", CLEAR = "rgba(0, 0, 0, 0)";
const FIELDS = "input:not([type=checkbox], [type=radio], [type=range]), select, textarea";
const TOLD = { resultTypes: ["violations", "passes"], selectors: false, elementRef: true };
const known = new Set();

// Contrast is a matter of style: words in the same letters and colours over the same grounds are as easy to read wherever
// they stand. So axe is asked of one piece of writing of each style, once for all pages.
axe.configure({ rules: [{ id: "color-contrast", selector: `[${ASKED}]` }] });

/** Put a page that was seen in the place of the one that is shown. */
function show(seen) {
  const page = new DOMParser().parseFromString(seen, "text/html"), root = document.documentElement;
  const styles = (where) => [...where.querySelectorAll("link[rel=stylesheet]")].map((each) => each.getAttribute("href")).join();
  if (styles(page) !== styles(document)) throw new Error(`other styles: ${styles(page)}`);
  for (const { name } of [...root.attributes]) root.removeAttribute(name);
  for (const { name, value } of page.documentElement.attributes) root.setAttribute(name, value);
  for (const each of [...document.head.children]) if (!each.matches(MINE)) each.remove();
  for (const each of [...page.head.children]) if (!each.matches(MINE)) document.head.append(each);
  document.body.replaceWith(page.body);
}

/** Give each piece of writing that can be seen with its style: its own, and what lies below it. */
function* written() {
  const grounds = new Map([[document.documentElement, ""]]), laid = [], pieces = [];
  for (const each of document.querySelectorAll("body, body *")) {
    const look = getComputedStyle(each), under = grounds.get(each.parentElement);
    // What only a screen reader is told is clipped away.
    if (under === undefined || look.clipPath !== "none" || !each.checkVisibility({ visibilityProperty: true })) continue;
    let ground = under;
    if (look.backgroundColor !== CLEAR || look.backgroundImage !== "none") {
      const here = `${look.backgroundColor} ${look.backgroundImage}`, covers = here.startsWith("rgb(") && !under.includes("faded");
      ground = covers ? here : `${under} / ${here}`;
      laid.push([each, ground, each.getBoundingClientRect()]);
    }
    if (look.opacity !== "1" || look.filter !== "none" || look.mixBlendMode !== "normal") ground += ` / faded ${look.opacity} ${look.filter} ${look.mixBlendMode}`;
    grounds.set(each, ground);
    if (each.matches(FIELDS) || [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim().length > 1)) pieces.push([each, look, ground]);
  }
  for (const [each, look, ground] of pieces) {
    const at = each.getBoundingClientRect();
    if (at.right <= 0 || at.bottom <= 0) continue;
    // What lies at the same place without being around it or in it.
    const beside = laid.filter(([other, , box]) => box.left < at.right && box.right > at.left && box.top < at.bottom && box.bottom > at.top && !other.contains(each) && !each.contains(other));
    // From these sizes on, less contrast is enough. A link is told from the words around it by its colour or its line.
    const size = parseFloat(look.fontSize), large = size >= 24 || (size > 18.66 && look.fontWeight >= 700);
    const link = each.matches("a") ? [getComputedStyle(each.parentElement).color, look.textDecorationLine] : [];
    yield [each, [look.color, large, look.textShadow, each.matches(":disabled"), ...link, ground, ...new Set(beside.map(([, what]) => what))].join(" | ")];
  }
}

/** Ask axe of the page, or of its colours alone: of the contrast of some pieces of writing. Give what is wrong. */
async function asked(pieces, whole) {
  for (const [each] of pieces) each.setAttribute(ASKED, "");
  const rules = whole ? {} : { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } };
  const { violations, passes } = await axe.run(document, { ...TOLD, ...rules });
  const sure = [...violations, ...passes].filter((each) => each.id === "color-contrast").flatMap((each) => each.nodes);
  const found = new Set(sure.map((node) => node.element));
  for (const [each, style] of pieces) {
    each.removeAttribute(ASKED);
    if (found.has(each)) known.add(style);
  }
  return violations.map((each) => [each.id, ...each.nodes.slice(0, 3).map((node) => node.html.slice(0, 150))].join(" "));
}

/** Give what is wrong with the page that is shown, or with its colours alone. */
async function wrong(whole) {
  const first = new Map(), others = [];
  for (const [each, style] of written()) {
    if (known.has(style)) continue;
    if (first.has(style)) others.push([each, style]);
    else first.set(style, each);
  }
  const found = whole || first.size ? await asked([...first].map(([style, each]) => [each, style]), whole) : [];
  // Where axe cannot tell by one piece, it is asked of all that look like it.
  const open = others.filter(([, style]) => !known.has(style));
  return open.length ? [...found, ...await asked(open, false)] : found;
}
/** Give of each page how wide it is, what is wrong with it by day, and with its colours by night. */
window.judged = async (pages) => {
  const told = [];
  for (const page of pages) {
    show(page);
    const width = document.documentElement.scrollWidth, light = await wrong(true);
    document.documentElement.dataset.theme = "dark";
    told.push([width, light, await wrong(false)]);
  }
  return told;
};
