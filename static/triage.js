// Work through the queue by keys. Everything that they do, a button of the page does too.

const form = document.getElementById("acting");
const lines = [...document.querySelectorAll("[data-line]")];
const keys = document.getElementById("keys");
const on = document.getElementById("keys-on");
const undo = [...document.querySelectorAll("[data-undo]")].at(-1); // of what was done last
const SWITCH = "voiceadmin-keys"; // in this browser's storage: "off" when single keys are not wanted

const box = (line) => line?.querySelector("input[type=checkbox]");
const ticked = () => lines.filter((line) => box(line)?.checked);
const lineOf = (node) => lines.find((line) => line.contains(node));
const focus = (line) => line?.querySelector("th a").focus();
const buttonOf = (word) => form.querySelector(`.bulk button[name=action][value=${word}]`);

let from; // the line where the focus was before it went into a menu
let lent; // the line that was ticked for a menu alone
let sent = false; // nothing is done to a page that is on its way out

const go = (number) => focus(lines[Math.max(0, Math.min(number, lines.length - 1))]);
const at = () => lines.indexOf(lineOf(document.activeElement));

// What is pressed is done to what is ticked, or else to the line where the focus is. Gives whether there is any.
const choose = () => {
  const line = lineOf(document.activeElement);
  from = line ?? from;
  if (ticked().length) return true;
  if (!box(line)) return false;
  box(line).click();
  lent = line;
  return true;
};

const act = (word) => {
  if (!choose()) return;
  const button = buttonOf(word), menu = button.closest("details");
  if (!menu) return form.requestSubmit(button);
  menu.open = true;
  menu.querySelector("input, select").focus();
};

const mine = () => {
  const assignee = form.elements.namedItem("assignee");
  if (assignee.options[0].text !== "Me") return act("assign");
  assignee.selectedIndex = 0;
  if (choose()) form.requestSubmit(buttonOf("assign"));
};

const doings = {
  j: () => go(at() + 1),
  k: () => go(at() - 1),
  x: () => box(lineOf(document.activeElement))?.click(),
  c: () => act("acknowledge"),
  a: () => act("archive"),
  s: mine,
  z: () => act("snooze"),
  n: () => act("note"),
  u: () => undo?.click(),
  "?": () => keys.showModal(),
};

const typing = (target) => target.closest("textarea, select, dialog, input:not([type=checkbox])");

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest(".pick__form");
  if (menu && event.key === "Enter" && event.target.matches("input, select")) {
    event.preventDefault();
    form.requestSubmit(menu.querySelector("button"));
  }
  if (event.key === "Escape" && from) {
    if (box(lent)?.checked) box(lent).click();
    focus(from);
    from = lent = undefined;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || sent || !on.checked || typing(event.target)) return;
  if (event.repeat && !"jk".includes(event.key)) return; // a key that is held down acts once
  const doing = doings[event.key];
  if (!doing) return;
  event.preventDefault();
  doing();
});

// The next page begins at the line after those that something was done to, and at the same one after an undo.
form.addEventListener("submit", ({ submitter }) => {
  sent = true;
  const own = submitter?.name === "one" ? lineOf(submitter) : undefined;
  const done = own ? [own] : ticked();
  const start = lines.indexOf(own ?? lineOf(document.activeElement) ?? from ?? done[0]);
  const rest = lines.slice(start + 1).concat(lines.slice(0, Math.max(start, 0)).reverse());
  returnTo(form, rest.find((line) => !done.includes(line)));
});

undo?.form.addEventListener("submit", () => { sent = true; returnTo(undo.form, lineOf(document.activeElement)); });

function returnTo(sender, line) {
  const next = sender.elements.namedItem("next");
  next.value = next.value.split("#")[0] + (line ? `#${line.dataset.line}` : "");
}

// Whoever opens a line and comes back is where they were.
form.addEventListener("click", ({ target }) => {
  const line = target.closest("th a") && lineOf(target);
  if (line) history.replaceState(null, "", `#${line.dataset.line}`);
});

addEventListener("pageshow", () => { sent = false; }); // also when the browser brings the page back as it was

on.checked = localStorage.getItem(SWITCH) !== "off";
on.addEventListener("change", () => localStorage.setItem(SWITCH, on.checked ? "on" : "off"));
keys.querySelector("[data-close]").addEventListener("click", () => keys.close());
const opener = form.querySelector("[data-keys]");
opener.addEventListener("click", () => keys.showModal());
opener.hidden = false;

// What was done is heard: a region with the role of status speaks only of what changes in it.
const said = document.querySelector(".said");
// No id of the page: to an element that an address names, the browser would go itself, and take the focus from its link.
const named = lines.find((line) => `#${line.dataset.line}` === location.hash);
if (named) focus(named);
else if (said) go(0);
said?.append(...said.childNodes);
